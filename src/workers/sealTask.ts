import type { ErrorCode } from '../errors.ts';
import type { RecipientEntry } from '../items/model.ts';
import type { ItemRef, SealRole } from '../sealing/dataKey.ts';

/** What a thread is asked to seal. */
export interface SealTask {
  readonly dataKey: Uint8Array;
  readonly ref: ItemRef;
  readonly recipients: readonly { readonly role: SealRole; readonly name: string; readonly x25519: Uint8Array }[];
}

/** One entry for each recipient, in their order; or the failure. */
export type SealReply = { readonly entries: readonly RecipientEntry[] } | { readonly code: ErrorCode | undefined; readonly message: string };
