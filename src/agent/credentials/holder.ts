import { VaultError } from '../../errors.ts';
import { ACCESS_KEY_FIELD, accessKeyIn, type AccessKeyCredentials } from '../../items/accessKey.ts';
import type { ItemRef } from '../../sealing/dataKey.ts';
import { refText } from '../configuration/configuration.ts';
import type { Follower } from '../following/follower.ts';
import type { ItemContent } from '../following/itemFollower.ts';
import { expirationText, prepare, type Issued, type Prepared } from './issued.ts';

/** What has the credentials of one item. */
export interface Holder {
  /**
   * What it hands out now; a promise where STS is asked first.
   * @throws VaultError item-not-found and the item's own problem; field-format; what STS failed with
   */
  issue(): Issued | Promise<Issued>;
  /** Why it has nothing to hand out, or soon will not have; undefined where all is well. */
  readonly problem: VaultError | undefined;
}

/** Hands out the key itself. @param now in milliseconds since 1970 */
export function holdKey(ref: ItemRef, lifetimeMs: number, follower: Follower, now: () => number): Holder {
  let known: { readonly content: ItemContent; readonly prepared: Prepared } | undefined;
  const prepared = (): Prepared => {
    const content = contentOf(ref, follower);
    if (known?.content !== content) known = { content, prepared: prepare(content, 'key', keyOf(content)) };
    return known.prepared;
  };
  return {
    issue: () => ({ prepared: prepared(), expiration: expirationText(now() + lifetimeMs) }),
    get problem() {
      const content = follower.state(ref)?.content;
      return content === undefined ? undefined : problemOf(() => keyOf(content)); // That there is none is the item's own problem.
    },
  };
}

/** The last good content. @throws VaultError */
export function contentOf(ref: ItemRef, follower: Follower): ItemContent {
  const state = follower.state(ref);
  if (state?.content !== undefined) return state.content;
  throw state?.problem ?? new VaultError('item-not-found', `${refText(ref)} has not been read yet.`, {
    hint: 'See "vault agent status".', details: { ...ref },
  });
}

/** @throws VaultError field-format */
export function keyOf(content: ItemContent): AccessKeyCredentials {
  return accessKeyIn(content.fields[ACCESS_KEY_FIELD], refText(content));
}

function problemOf(work: () => unknown): VaultError | undefined {
  try {
    work();
    return undefined;
  } catch (error) {
    if (error instanceof VaultError) return error;
    throw error;
  }
}
