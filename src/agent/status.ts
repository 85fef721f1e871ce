import type { VaultError } from '../errors.ts';
import type { Agent } from './agent.ts';
import type { Component } from './component.ts';

interface ProblemStatus {
  readonly code: string;
  readonly message: string;
  readonly hint?: string;
}

/** How an agent is: what `vault agent status --json` prints. Times are RFC 3339. No secret is in it. */
export interface AgentStatus {
  readonly version: string;
  readonly started: string;
  /** Every item has a content, and every delivery was made. */
  readonly ready: boolean;
  readonly source: { readonly location: string; readonly answered: string | null; readonly error?: ProblemStatus };
  readonly roster: { readonly version: number | null };
  readonly state: { readonly error?: ProblemStatus };
  readonly items: readonly ItemStatus[];
  readonly problems: readonly { readonly subject: string; readonly code: string; readonly message: string }[];
}

export interface ItemStatus {
  readonly vault: string;
  readonly item: string;
  /** Null until there was a good one. */
  readonly generation: number | null;
  readonly signer: string | null;
  /** When that generation was signed, when it was verified here, and when the source last answered for it. */
  readonly signed: string | null;
  readonly verified: string | null;
  readonly checked: string | null;
  readonly from: 'source' | 'cache' | null;
  readonly error?: ProblemStatus;
}

/** @param started when the agent did */
export function agentStatus({ follower, memory, configuration }: Agent, components: readonly Component[], version: string, started: Date): AgentStatus {
  const problems = components.flatMap((component) => component.problems());
  const { source } = configuration;
  return {
    version,
    started: started.toISOString(),
    ready: problems.length === 0 && follower.states.every(({ content }) => content !== undefined),
    source: { location: source.type === 'folder' ? source.path : source.url, answered: timeOf(follower.answeredAt), ...errorOf(follower.sourceProblem) },
    roster: { version: follower.trusted?.roster.version ?? null },
    state: errorOf(memory.problem),
    items: follower.states.map(({ ref, content, from, problem, changedAt, checkedAt }) => ({
      vault: ref.vault, item: ref.item,
      generation: content?.generation ?? null, signer: content?.signer ?? null, signed: content?.time ?? null,
      verified: timeOf(changedAt), checked: timeOf(checkedAt), from: from ?? null, ...errorOf(problem),
    })),
    problems,
  };
}

function timeOf(date: Date | undefined): string | null {
  return date?.toISOString() ?? null;
}

function errorOf(error: VaultError | undefined): { error?: ProblemStatus } {
  return error === undefined ? {} : { error: { code: error.code, message: error.message, ...(error.hint === undefined ? {} : { hint: error.hint }) } };
}
