import type { VaultError } from '../errors.ts';
import type { ItemRef } from '../sealing/dataKey.ts';

/** Which generation of an item. */
export interface ItemVersion extends ItemRef {
  readonly generation: number;
}

/**
 * Everything that the agent does that somebody may want to know of: the log, the audit trail and the metrics are made of it. None holds a
 * secret. What is marked "audit" is a secret that left the agent.
 */
export type AgentEvent =
  | { readonly type: 'started'; readonly version: string; readonly items: number; readonly deliveries: number }
  | { readonly type: 'ready' }
  | { readonly type: 'reloaded'; readonly items: number; readonly deliveries: number }
  | { readonly type: 'reload-failed'; readonly error: VaultError }
  | { readonly type: 'stopping'; readonly signal: string }
  /** A fault of this program, which ends it: whatever started it should start it again. */
  | { readonly type: 'crashed'; readonly error: VaultError }
  /** Lines of the log that were not written, for nobody read it or it could not be written to; `audit` of them were audit lines. */
  | { readonly type: 'log-lost'; readonly lines: number; readonly auditLines: number }
  /** Health and metrics are asked for here. */
  | { readonly type: 'monitor-listening'; readonly port: number }
  /** A fault of this program met a request, and was answered with status 500. */
  | { readonly type: 'request-failed'; readonly request: string; readonly error: VaultError }
  /** The source could not be asked; it is asked again after `retryMs`. */
  | { readonly type: 'source-failed'; readonly error: VaultError; readonly failures: number; readonly retryMs: number }
  | { readonly type: 'source-recovered'; readonly failures: number }
  | { readonly type: 'roster-changed'; readonly version: number; readonly digest: string }
  | { readonly type: 'roster-failed'; readonly error: VaultError }
  | ({ readonly type: 'item-verified'; readonly signer: string; readonly from: 'source' | 'cache' } & ItemVersion)
  /** Reported when it begins and when its code changes, not each time it is met. */
  | ({ readonly type: 'item-failed'; readonly error: VaultError } & ItemRef)
  | ({ readonly type: 'item-recovered' } & ItemRef)
  /** What was verified cannot be kept: the state directory fails. */
  | { readonly type: 'state-failed'; readonly error: VaultError }
  | { readonly type: 'state-recovered' }
  /** Something of the configuration that a person should reconsider. */
  | { readonly type: 'warned'; readonly text: string }
  /** Audit. `target` is a path; for a process, its program. */
  | { readonly type: 'delivered'; readonly kind: 'file' | 'directory' | 'socket' | 'process'; readonly target: string; readonly items: readonly ItemVersion[] }
  /** A supervised command cannot be started, or started anew, before these items have a good content. */
  | { readonly type: 'process-waiting'; readonly items: readonly ItemRef[] }
  /** Either `exitCode` or `signal` is null. It is started again after `retryMs`; at once where it ended because of a change. */
  | {
    readonly type: 'process-ended'; readonly target: string; readonly exitCode: number | null; readonly signal: string | null; readonly durationMs: number;
    readonly because: 'changed' | 'stopping' | 'itself'; readonly retryMs: number | undefined;
  }
  | { readonly type: 'delivery-failed'; readonly target: string; readonly error: VaultError; readonly retryMs: number | undefined }
  | { readonly type: 'command-ended'; readonly target: string; readonly program: string; readonly durationMs: number }
  | { readonly type: 'command-failed'; readonly target: string; readonly program: string; readonly error: VaultError; readonly retryMs: number | undefined }
  /** Audit. `request` is the id that the reply carries too. */
  | ({ readonly type: 'credentials-served'; readonly consumer: string; readonly accessKeyId: string; readonly mode: 'key' | 'session'; readonly expiration: string; readonly request: string } & ItemVersion)
  /** `unreported`: how many were refused before it and, for there were so many, not reported. */
  | { readonly type: 'request-refused'; readonly status: number; readonly reason: string; readonly request: string; readonly unreported?: number }
  | ({ readonly type: 'session-opened'; readonly accessKeyId: string; readonly expiration: string } & ItemRef)
  /** What was delivered was said in the store; or could not be, told when that begins. */
  | { readonly type: 'reported'; readonly node: string; readonly items: number }
  | { readonly type: 'report-failed'; readonly error: VaultError; readonly retryMs: number }
  | { readonly type: 'report-recovered' }
  | ({ readonly type: 'session-failed'; readonly error: VaultError; readonly retryMs: number } & ItemRef);

export type ReportEvent = (event: AgentEvent) => void;
