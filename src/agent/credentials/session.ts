import { isVaultError, VaultError } from '../../errors.ts';
import type { OpenedSession, SessionRequest } from '../../iam/clientSession.ts';
import type { AccessKeyCredentials } from '../../items/accessKey.ts';
import type { ItemRef } from '../../sealing/dataKey.ts';
import { Secret } from '../../secret.ts';
import { refText } from '../configuration/configuration.ts';
import type { SessionConfiguration } from '../configuration/schema.ts';
import type { ReportEvent } from '../events.ts';
import { openBackoff } from '../following/backoff.ts';
import type { ItemContent } from '../following/itemFollower.ts';
import { keyOf, type Holder } from './holder.ts';
import { expirationText, prepare, type Issued, type Prepared } from './issued.ts';

const FIRST_RETRY_MS = 1000;
const MOST_RETRY_MS = 300_000;
/** With less left than this it is over: it would end on its way to AWS. */
const LEAST_LEFT_MS = 2000;
/** setTimeout takes no more. */
const LONGEST_TIMER_MS = 2 ** 31 - 1;

export interface SessionTools {
  readonly open: (request: SessionRequest, signal: AbortSignal) => Promise<OpenedSession>;
  readonly report: ReportEvent;
  /** In milliseconds since 1970: what programs compare an Expiration with. It may jump. */
  readonly now: () => number;
  /** Milliseconds of a clock that nobody sets and that goes on while the machine sleeps: lives are counted by it. */
  readonly uptime: () => number;
  /** From 0 up to 1. */
  readonly random?: () => number;
}

/** Keeps a session open with an item's key, which it hands to nobody but STS. */
export interface SessionKeeper extends Holder {
  readonly ref: ItemRef;
  /** The item's newest content. */
  take(content: ItemContent): void;
  /** When the session that is served ends, by the machine's clock; undefined where there is none. */
  readonly end: Date | undefined;
  stop(): Promise<void>;
}

/** A session that is open, and what it was opened with. */
interface Held {
  readonly prepared: Prepared;
  readonly key: AccessKeyCredentials;
  /** By {@link SessionTools.uptime}. */
  readonly refreshAt: number;
  readonly endsAt: number;
}

/**
 * Opens a session as soon as there is a key, and the next one when about two thirds of its life are over, or at once where the key changed. Until the
 * next is there the last is served, to its end; after that nothing is, however long STS fails.
 */
export function keepSession(configuration: SessionConfiguration, { open, report, now, uptime, random = Math.random }: SessionTools): SessionKeeper {
  const { item: ref, lifetime } = configuration;
  const backoff = openBackoff(FIRST_RETRY_MS, MOST_RETRY_MS, random);
  const stopping = new AbortController();
  let wanted: { readonly content: ItemContent; readonly key: AccessKeyCredentials } | undefined;
  let held: Held | undefined;
  let pending: Promise<void> | undefined;
  let retryAt = 0;
  let timer: NodeJS.Timeout | undefined;
  let keyProblem: VaultError | undefined;
  let problem: VaultError | undefined;

  const dueAt = (): number => (held === undefined || wanted === undefined || !isSameKey(held.key, wanted.key) ? retryAt : Math.max(held.refreshAt, retryAt));

  const succeed = ({ content, key }: NonNullable<typeof wanted>, opened: OpenedSession, began: number): void => {
    const { accessKeyId, secretAccessKey, sessionToken, lifeMs } = opened;
    const secrets = { accessKeyId, secretAccessKey: secretAccessKey.reveal(), sessionToken: sessionToken.reveal() };
    held = { key, prepared: prepare(content, 'session', secrets), refreshAt: began + lifeMs * (0.6 + random() * 0.1), endsAt: began + lifeMs };
    problem = undefined;
    retryAt = 0;
    backoff.reset();
    report({ type: 'session-opened', ...ref, accessKeyId, expiration: expirationText(now() + held.endsAt - uptime()) });
  };

  const fail = (error: unknown): void => {
    problem = isVaultError(error) ? error : new VaultError('internal', error instanceof Error ? error.message : String(error), { cause: error });
    const retryMs = backoff.next();
    retryAt = uptime() + retryMs;
    report({ type: 'session-failed', ...ref, error: problem, retryMs });
  };

  /** Asks STS where that is due and nobody does already; many that ask cause one request. */
  const renew = (): void => {
    clearTimeout(timer);
    if (wanted === undefined || pending !== undefined || stopping.signal.aborted) return;
    const waitMs = dueAt() - uptime();
    if (waitMs > 0) {
      timer = setTimeout(renew, Math.min(Math.ceil(waitMs), LONGEST_TIMER_MS));
      return;
    }
    const used = wanted;
    const began = uptime();
    pending = open(requestOf(configuration, used.key), stopping.signal).then((opened) => { succeed(used, opened, began); }, (error: unknown) => {
      // What became of a key that is no longer wanted does not put off the new one.
      if (!stopping.signal.aborted && wanted?.key === used.key) fail(error);
    }).then(() => {
      pending = undefined;
      renew();
    });
  };

  const live = (): Issued | undefined => {
    if (held === undefined) return undefined;
    const leftMs = held.endsAt - uptime();
    return leftMs < LEAST_LEFT_MS ? undefined : { prepared: held.prepared, expiration: expirationText(now() + Math.min(leftMs, lifetime)) };
  };

  const required = (): Issued => {
    const issued = live();
    if (issued !== undefined) return issued;
    throw problem ?? keyProblem ?? new VaultError('item-not-found', `${refText(ref)} has not been read yet, so there is no session.`, { hint: 'See "vault agent status".', details: { ...ref } });
  };

  return {
    ref,
    take(content) {
      try {
        const key = keyOf(content);
        keyProblem = undefined;
        if (wanted !== undefined && isSameKey(wanted.key, key)) return;
        wanted = { content, key };
        retryAt = 0;
        backoff.reset();
        renew();
      } catch (error) {
        if (!isVaultError(error)) throw error;
        keyProblem = error;
      }
    },
    issue() {
      const issued = live();
      if (pending === undefined && dueAt() <= uptime()) renew(); // A timer does not run while the machine sleeps.
      return issued ?? (pending === undefined ? required() : pending.then(required));
    },
    get problem() { return keyProblem ?? problem; },
    get end() { return held === undefined || live() === undefined ? undefined : new Date(now() + held.endsAt - uptime()); },
    async stop() {
      clearTimeout(timer);
      stopping.abort();
      await pending;
    },
  };
}

function isSameKey(a: AccessKeyCredentials, b: AccessKeyCredentials): boolean {
  return a.accessKeyId === b.accessKeyId && a.secretAccessKey === b.secretAccessKey;
}

function requestOf({ item, role_arn: arn, role_session_name: name, external_id: externalId, duration, region, endpoint_url: endpoint }: SessionConfiguration, key: AccessKeyCredentials): SessionRequest {
  return {
    name: refText(item), accessKeyId: key.accessKeyId, secretAccessKey: new Secret(key.secretAccessKey), region, endpoint, durationSeconds: duration / 1000,
    role: arn === undefined ? undefined : { arn, sessionName: name ?? 'iam-vault', externalId },
  };
}
