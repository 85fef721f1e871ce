import * as z from 'zod';
import { VaultError } from '../errors.ts';

/** IAM allows 2,048 characters in its longest identifiers (ARNs, markers). */
export const TEXT = z.string().min(1).max(2048);

/** The SDK makes a Date of the text; of a wrong one, an invalid Date. */
export const WHEN = z.date();

/** What the SDK's outputs of paginated actions have in common. */
export const PAGE_FIELDS = { IsTruncated: z.boolean().optional(), Marker: TEXT.optional() };

/** IAM's largest group has 5,000 users at 100 a page; beyond this, a server is not telling the truth. */
const MAX_PAGES = 1000;

interface Page {
  readonly IsTruncated?: boolean | undefined;
  readonly Marker?: string | undefined;
}

/**
 * All pages, in order.
 * @throws VaultError aws-refused where the pages do not end
 * @see https://docs.aws.amazon.com/IAM/latest/APIReference/API_GetGroup.html (IsTruncated, Marker)
 */
export async function everyPage<P extends Page>(ask: (marker: string | undefined) => Promise<P>): Promise<P[]> {
  const pages: P[] = [];
  let marker: string | undefined;
  for (;;) {
    const page = await ask(marker);
    pages.push(page);
    if (page.IsTruncated !== true) return pages;
    if (page.Marker === undefined || page.Marker === marker || pages.length === MAX_PAGES) {
      throw new VaultError('aws-refused', 'AWS\'s reply says that there is more, and not where it begins.', {
        details: { reason: 'reply-invalid', missing: ['Marker'] },
      });
    }
    marker = page.Marker;
  }
}
