import type { VaultError } from '../errors.ts';
import type { RefusalCode } from '../joining/refusal.ts';
import type { ItemRef } from '../sealing/dataKey.ts';

/** Everything about a refresher that somebody may want to know. Holds no secret. Log and metrics are made of it. */
export type RefresherEvent =
  | { readonly type: 'started'; readonly version: string; readonly candidate: string }
  | { readonly type: 'stopping'; readonly signal: string }
  | { readonly type: 'crashed'; readonly error: VaultError }
  | { readonly type: 'log-lost'; readonly lines: number; readonly auditLines: number }
  | { readonly type: 'warned'; readonly text: string }
  | { readonly type: 'monitor-listening'; readonly port: number }
  | { readonly type: 'request-failed'; readonly request: string; readonly error: VaultError }
  | { readonly type: 'reloaded' }
  | { readonly type: 'reload-failed'; readonly error: VaultError }
  // the election
  | { readonly type: 'elected' }
  | { readonly type: 'election-lost' }
  | { readonly type: 'standing-by'; readonly elected: string }
  | { readonly type: 'store-failed'; readonly error: VaultError }
  | { readonly type: 'store-recovered' }
  | { readonly type: 'roster-failed'; readonly error: VaultError }
  /** Everything was read. */
  | { readonly type: 'loaded'; readonly nodes: number; readonly admitted: number; readonly items: number; readonly seconds: number }
  /** After it was elected, everything has been looked at once. */
  | { readonly type: 'checked'; readonly items: number }
  // items
  | (ItemRef & { readonly type: 'item-written'; readonly generation: number; readonly action: string; readonly gained: number; readonly lost: number })
  | (ItemRef & { readonly type: 'item-failed'; readonly error: VaultError })
  | (ItemRef & { readonly type: 'item-recovered' })
  // nodes
  | { readonly type: 'node-admitted'; readonly node: string; readonly invitation: string | null }
  | { readonly type: 'node-refused'; readonly node: string; readonly why: RefusalCode | 'discarded' }
  | { readonly type: 'node-waiting'; readonly node: string }
  | { readonly type: 'request-left'; readonly node: string; readonly error: VaultError }
  /** It lies in the inventory, and nobody on the roster signed for it: it is sealed nothing. */
  | { readonly type: 'node-unadmitted'; readonly node: string }
  | { readonly type: 'node-damaged'; readonly node: string; readonly error: VaultError }
  /** What it could open, and may have kept: values that must be changed at their source. */
  | { readonly type: 'node-retired'; readonly node: string; readonly items: readonly ItemRef[] }
  /** Removed from the inventory, because it is silent. */
  | { readonly type: 'node-removed'; readonly node: string; readonly silentSeconds: number }
  /** More would be retired at once than may be: nothing is. */
  | { readonly type: 'retirement-held'; readonly nodes: number; readonly most: number; readonly names: readonly string[] }
  | { readonly type: 'retirement-released' };

export type ReportRefresherEvent = (event: RefresherEvent) => void;
