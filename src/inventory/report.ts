import * as z from 'zod/mini';
import { isVaultError } from '../errors.ts';
import { layoutJson } from '../json/canonical.ts';
import { parseDocument } from '../json/document.ts';
import { nameProblem, type NameKind } from '../names.ts';
import { FORMAT, isBase64 } from '../sealing/encoding.ts';
import type { Identity } from '../sealing/identity.ts';
import type { SigningKey } from '../sealing/publicKey.ts';
import { signStatement, verifyStatement, type Statement } from '../sealing/signature.ts';

/** What a node says of one item. */
export interface ReportedItem {
  readonly vault: string;
  readonly item: string;
  /** That it has; 0 where it has none. */
  readonly generation: number;
  /** All that its configuration asks for took that generation. */
  readonly delivered: boolean;
}

/** What a node says of itself: docs/format.md, "Reports". */
export interface Report {
  readonly format: typeof FORMAT;
  readonly type: 'report';
  /** Digest of version 1 of the roster. */
  readonly repository: string;
  readonly node: string;
  /** RFC 3339, UTC, to the second. */
  readonly time: string;
  /** Higher than that of every report of the node before. */
  readonly sequence: number;
  /** Version of the roster that it trusts. */
  readonly roster: number;
  /** Sorted by vault, then item. */
  readonly items: readonly ReportedItem[];
}

function name(kind: NameKind): z.ZodMiniString {
  return z.string().check(z.refine((text) => nameProblem(kind, text) === undefined, `not a valid ${kind} name`));
}

const count = z.int().check(z.gte(0));
const reportSchema = z.strictObject({
  format: z.literal(FORMAT),
  type: z.literal('report'),
  repository: z.string().check(z.refine((text) => isBase64(text, 32), 'not a digest')),
  node: name('node'),
  time: z.iso.datetime({ precision: 0 }),
  sequence: count,
  roster: z.int().check(z.gte(1)),
  items: z.array(z.strictObject({ vault: name('vault'), item: name('item'), generation: count, delivered: z.boolean() }))
    .check(z.maxLength(10_000), z.refine((items) => items.every((each, i) => i === 0 || compareItems(items[i - 1] ?? each, each) < 0), 'not sorted, or an item twice')),
  signature: z.string().check(z.refine((text) => isBase64(text, 64), 'not base64url of 64 bytes')),
});

/** How far the time of a report may be from the reader's, in milliseconds: a node signs a new one each hour. */
export const MOST_REPORT_AGE_MS: number = 3 * 3_600_000;

/** By vault, then item. */
export function compareItems(a: Pick<ReportedItem, 'vault' | 'item'>, b: Pick<ReportedItem, 'vault' | 'item'>): number {
  if (a.vault !== b.vault) return a.vault < b.vault ? -1 : 1;
  return a.item < b.item ? -1 : a.item > b.item ? 1 : 0;
}

/** The bytes of a report, signed by the node. @throws VaultError not-an-admin, for an identity that cannot sign */
export function encodeReport(report: Omit<Report, 'format' | 'type'>, identity: Identity): Uint8Array {
  const statement = { format: FORMAT, type: 'report', ...report, items: report.items.map(({ vault, item, generation, delivered }) => ({ vault, item, generation, delivered })) } satisfies Statement;
  return new TextEncoder().encode(layoutJson({ ...statement, signature: signStatement(statement, identity) }));
}

/** Why a report does not count. */
export type ReportProblem = 'no-signing-key' | 'damaged' | 'other-node' | 'other-repository' | 'signature-invalid' | 'time';

/** What a report is judged by. */
export interface ReportJudge {
  /** The node in whose place it was found. */
  readonly node: string;
  readonly repository: string;
  /** The node's, from the inventory; undefined for none. */
  readonly key: SigningKey | undefined;
  readonly now: Date;
}

/** Judges a report: it counts where this gives one. */
export function judgeReport(bytes: Uint8Array, { node, repository, key, now }: ReportJudge): { readonly report: Report } | { readonly problem: ReportProblem } {
  if (key === undefined) return { problem: 'no-signing-key' };
  let parsed: z.output<typeof reportSchema>;
  try {
    parsed = parseDocument(reportSchema, bytes, `the report of ${node}`, { name: FORMAT, path: ['format'] });
  } catch (error) {
    if (!isVaultError(error)) throw error;
    return { problem: 'damaged' };
  }
  const { signature, ...report } = parsed;
  if (report.node !== node) return { problem: 'other-node' };
  if (report.repository !== repository) return { problem: 'other-repository' };
  if (!verifyStatement(report, signature, key)) return { problem: 'signature-invalid' };
  if (Math.abs(now.getTime() - Date.parse(report.time)) > MOST_REPORT_AGE_MS) return { problem: 'time' };
  return { report };
}
