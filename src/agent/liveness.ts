import type { AgentConfiguration } from './configuration/configuration.ts';
import type { Follower } from './following/follower.ts';

/** How long the follower may stand still; longer where its requests may take longer. In milliseconds. */
const LONGEST_STANDSTILL_MS = 300_000;

/** Whether the source is still looked at, well or in vain: if not, a new start is the only help. */
export function isFollowing({ overdueMs }: Pick<Follower, 'overdueMs'>, { source }: AgentConfiguration): boolean {
  return overdueMs < Math.max(LONGEST_STANDSTILL_MS, 'timeout' in source ? 3 * source.timeout : 0);
}
