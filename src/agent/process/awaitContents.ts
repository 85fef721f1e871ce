import { VaultError } from '../../errors.ts';
import type { ItemRef } from '../../sealing/dataKey.ts';
import { refText, type AgentConfiguration } from '../configuration/configuration.ts';
import type { Follower } from '../following/follower.ts';
import type { ItemContent } from '../following/itemFollower.ts';

/** The contents of items; undefined until there is one of each. */
export function contentsOf(follower: Follower, refs: readonly ItemRef[]): ItemContent[] | undefined {
  const contents = refs.map((ref) => follower.state(ref)?.content);
  return contents.every((each) => each !== undefined) ? contents : undefined;
}

/** Why there is not yet a content of each item: what is wrong with the first that has none, or with the source. */
export function whyWaiting(follower: Follower, refs: readonly ItemRef[]): VaultError {
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
