import * as z from 'zod/mini';
import type { VaultError } from '../errors.ts';
import type { Agent } from './agent.ts';
import { locationOf } from './configuration/configuration.ts';
import type { Component } from './component.ts';
import type { ReportState } from './reporting/reporter.ts';
import type { LostLines } from './observing/lineQueue.ts';

function described(text: string) {
  return z.describe<string>(text);
}

const time = z.nullable(z.string().check(described('RFC 3339; null where that never happened')));
const count = z.int().check(z.gte(0));
const problem = z.object({ code: z.string(), message: z.string(), hint: z.optional(z.string()) });
const error = z.optional(problem);

/** How an agent is: what `vault agent status --json` prints. No secret is in it. */
export const agentStatusSchema = z.object({
  version: z.string(),
  pid: count,
  started: z.string(),
  ready: z.boolean().check(z.describe('every item has a content, and every delivery was made')),
  configuration: z.object({ file: z.string(), loaded: z.string(), error: error.check(z.describe('why what the file says now is not in effect')) }),
  source: z.object({ location: z.string(), answered: time, error }),
  roster: z.object({ version: z.nullable(count) }),
  state: z.object({ error: error.check(z.describe('why what was verified cannot be kept')) }),
  items: z.array(z.object({
    vault: z.string(), item: z.string(),
    generation: z.nullable(count).check(z.describe('null until there was a good one; so are the next two')), signer: z.nullable(z.string()), signed: time,
    verified: time, checked: time, from: z.nullable(z.enum(['source', 'cache'])),
    error: error.check(z.describe('what is wrong with what the source has now; the generation above is the last good one')),
  })).check(z.describe('signed: when that generation was; verified: when that was done here; checked: when the source last answered for it')),
  credentials: z.array(z.object({ vault: z.string(), item: z.string(), mode: z.enum(['key', 'session']), expiration: time, error })).check(z.describe('with an end')),
  problems: z.array(z.object({ subject: z.string(), code: z.string(), message: z.string() })).check(z.describe('of deliveries and of what hands credentials out')),
  report: z.optional(z.object({ node: z.nullable(z.string()), sent: time, error })).check(z.describe('of what was delivered, where it is to be reported')),
  log: z.object({ lost_lines: count, lost_audit_lines: count }).check(z.describe('that nobody took')),
});

export type AgentStatus = z.output<typeof agentStatusSchema>;
type ProblemStatus = z.output<typeof problem>;

/** What is known of the process, beside its {@link Agent}. */
export interface AgentProcessFacts {
  readonly version: string;
  readonly pid: number;
  readonly started: Date;
  /** Path of the configuration. */
  readonly file: string;
  readonly lost: LostLines;
  readonly report: ReportState | undefined;
  /** All that the configuration asks for was handed on. */
  readonly isReady: boolean;
}

export function agentStatus({ follower, memory, configuration, configuredAt, configurationProblem, isReady }: Agent, components: readonly Component[], process: AgentProcessFacts): AgentStatus {
  const { source } = configuration;
  return {
    version: process.version,
    pid: process.pid,
    started: process.started.toISOString(),
    ready: isReady && process.isReady,
    configuration: { file: process.file, loaded: configuredAt.toISOString(), ...errorOf(configurationProblem) },
    source: { location: locationOf(source), answered: timeOf(follower.answeredAt), ...errorOf(follower.sourceProblem) },
    roster: { version: follower.trusted?.roster.version ?? null },
    state: errorOf(memory.problem),
    items: follower.states.map(({ ref, content, from, problem: wrong, changedAt, checkedAt }) => ({
      vault: ref.vault, item: ref.item,
      generation: content?.generation ?? null, signer: content?.signer ?? null, signed: content?.time ?? null,
      verified: timeOf(changedAt), checked: timeOf(checkedAt), from: from ?? null, ...errorOf(wrong),
    })),
    credentials: components.flatMap((component) => component.credentials?.() ?? []).map(({ ref, mode, expiration, problem: wrong }) => ({
      vault: ref.vault, item: ref.item, mode, expiration: timeOf(expiration), ...errorOf(wrong),
    })),
    problems: components.flatMap((component) => [...component.problems()]),
    ...(process.report === undefined ? {} : { report: { node: process.report.node ?? null, sent: timeOf(process.report.sentAt), ...errorOf(process.report.problem) } }),
    log: { lost_lines: process.lost.lines, lost_audit_lines: process.lost.auditLines },
  };
}

function timeOf(date: Date | undefined): string | null {
  return date?.toISOString() ?? null;
}

function errorOf(wrong: VaultError | undefined): { error?: ProblemStatus } {
  return wrong === undefined ? {} : { error: { code: wrong.code, message: wrong.message, ...(wrong.hint === undefined ? {} : { hint: wrong.hint }) } };
}
