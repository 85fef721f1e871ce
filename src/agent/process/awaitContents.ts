import { setTimeout as delay } from 'node:timers/promises';
import { VaultError } from '../../errors.ts';
import type { ItemRef } from '../../sealing/dataKey.ts';
import { refText, type AgentConfiguration } from '../configuration/configuration.ts';
import type { ReportEvent } from '../events.ts';
import type { Follower } from '../following/follower.ts';
import type { ItemContent } from '../following/itemFollower.ts';

/** The contents of items; undefined until there is one of each. */
export function contentsOf(follower: Follower, refs: readonly ItemRef[]): ItemContent[] | undefined {
  const contents = refs.map((ref) => follower.state(ref)?.content);
  return contents.every((each) => each !== undefined) ? contents : undefined;
}

export interface FirstContents {
  readonly follower: Follower;
  readonly refs: readonly ItemRef[];
  /** Resolves when there is a content of each. */
  readonly completed: Promise<void>;
  /** For ever where it is left out. */
  readonly timeoutMs: number | undefined;
  readonly report: ReportEvent;
  /** Ends the wait. */
  readonly signal: AbortSignal;
}

/** How long a start waits for the source to say whether there is something newer than what was kept. */
const FIRST_LOOK_MS = 3000;

/**
 * Starts the follower, and waits for a content of each item: new where the source answers soon, or what was kept.
 * @returns undefined where the wait was ended
 * @throws VaultError whatever is in the way when the time is over
 */
export async function firstContents({ follower, refs, completed, timeoutMs, report, signal }: FirstContents): Promise<ItemContent[] | undefined> {
  const done = new AbortController();
  const either = AbortSignal.any([signal, done.signal]);
  const pause = (ms: number): Promise<void> => delay(ms, undefined, { signal: either }).catch(() => undefined);
  const begun = performance.now();
  await follower.recall();
  follower.start();
  try {
    await Promise.race([follower.refresh(), pause(Math.min(FIRST_LOOK_MS, timeoutMs ?? FIRST_LOOK_MS))]);
    if (contentsOf(follower, refs) === undefined && !signal.aborted) {
      report({ type: 'process-waiting', items: follower.states.filter(({ content }) => content === undefined).map(({ ref }) => ref) });
      await Promise.race([completed, timeoutMs === undefined ? untilAborted(either) : pause(timeoutMs - (performance.now() - begun))]);
    }
  } finally {
    done.abort(); // A timer that is left would keep the process from ending.
  }
  if (signal.aborted) return undefined;
  const contents = contentsOf(follower, refs);
  if (contents === undefined) throw whyWaiting(follower, refs);
  return contents;
}

async function untilAborted(signal: AbortSignal): Promise<void> {
  await new Promise<void>((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => { resolve(); }, { once: true });
  });
}

/** Why there is not yet a content of each item: what is wrong with the first that has none, or with the source. */
function whyWaiting(follower: Follower, refs: readonly ItemRef[]): VaultError {
  const missing = refs.map((ref) => follower.state(ref)).find((state) => state?.content === undefined);
  return missing?.problem ?? follower.sourceProblem ?? new VaultError('store-unreachable', 'The source did not answer in time.', { hint: 'Look at it, or give it longer with --timeout.' });
}

/**
 * Refuses items whose key must not leave the agent.
 * @throws VaultError usage
 */
export function refuseSessions({ credentials }: AgentConfiguration, refs: readonly ItemRef[]): void {
  const sessions = new Set(credentials.filter(({ mode }) => mode === 'session').map(({ item }) => refText(item)));
  const refused = refs.find((ref) => sessions.has(refText(ref)));
  if (refused === undefined) return;
  throw new VaultError('usage', `The key of ${refText(refused)} must not leave the agent, for its "credentials" say "mode": "session".`, {
    hint: 'Let the command ask the endpoint of the agent, with AWS_CONTAINER_CREDENTIALS_FULL_URI.', details: { ...refused },
  });
}
