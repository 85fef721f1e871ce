import { VaultError, isVaultError } from '../../errors.ts';
import { encodeReport } from '../../inventory/report.ts';
import type { ReportWriter } from '../../stores/reports.ts';
import type { Component } from '../component.ts';
import { refText, type AgentConfiguration } from '../configuration/configuration.ts';
import type { ReportEvent } from '../events.ts';
import { jittered, openBackoff } from '../following/backoff.ts';
import type { Follower } from '../following/follower.ts';
import { deliveredItems } from './deliveredItems.ts';

/** How the agent's reports are. */
export interface ReportState {
  /** Undefined where it is not known, and nothing can be reported. */
  readonly node: string | undefined;
  readonly sentAt: Date | undefined;
  readonly problem: VaultError | undefined;
}

/** Says in the store what was delivered: docs/fleet.md. */
export interface Reporter extends Component {
  /** Undefined where none are configured. */
  readonly state: ReportState | undefined;
  /** Looks again: something was done. */
  look(): void;
}

/** A change that a whole fleet takes is reported within so long; and no node reports more often. */
const SPREAD_MS = 1000;
/** A report that says nothing new is signed anew: readers take none that is much older. */
const RENEW_MS = 3_600_000;
const FIRST_RETRY_MS = 1000;
const MOST_RETRY_MS = 60_000;

/** @param others what must have taken a generation, so that it counts as delivered; they are told of it before */
export function openReporter(others: readonly Component[], report: ReportEvent, now: () => Date): Reporter {
  let configuration: AgentConfiguration | undefined;
  let follower: Follower | undefined;
  let writer: ReportWriter | undefined;
  /** Generations that were handed on, by `vault/item`. */
  let handed = new Map<string, number>();
  let node: string | undefined;
  let sentAt: Date | undefined;
  let problem: VaultError | undefined;
  let sequence = 0;
  /** What was reported last; undefined where it must be reported again. */
  let said: string | undefined;
  const warned = new Set<string>();
  const backoff = openBackoff(FIRST_RETRY_MS, MOST_RETRY_MS);
  let queue: Promise<void> = Promise.resolve();
  let timer: NodeJS.Timeout | undefined;
  let keepTimer: NodeJS.Timeout | undefined;
  let lastWrite = -Infinity;
  let isStopped = false;

  const warn = (text: string): void => {
    if (!warned.has(text)) report({ type: 'warned', text });
    warned.add(text);
  };
  const ttl = (): number => configuration?.report?.ttl ?? 0;

  /** Not more often than once in {@link SPREAD_MS}; what is asked for meanwhile is one report. */
  const ask = (ms = Math.random() * SPREAD_MS): void => {
    if (timer !== undefined || isStopped || writer === undefined) return;
    timer = setTimeout(() => {
      timer = undefined;
      inTurn(write);
    }, Math.max(ms, lastWrite + SPREAD_MS - performance.now()));
  };
  const keepLater = (ms: number): void => {
    clearTimeout(keepTimer);
    if (!isStopped && writer !== undefined) keepTimer = setTimeout(() => { inTurn(keep); }, ms);
  };
  const inTurn = (work: (writer: ReportWriter) => Promise<void>): void => {
    const mine = writer;
    const isCurrent = (): boolean => mine === writer && !isStopped;
    queue = queue.then(async () => {
      if (mine === undefined || !isCurrent()) return;
      try {
        await work(mine);
        if (said === undefined) return;
        if (problem !== undefined) report({ type: 'report-recovered' });
        problem = undefined;
        backoff.reset();
      } catch (error) {
        if (!isCurrent()) return; // The connection was ended under it.
        failed(error);
      }
    });
  };
  const failed = (error: unknown): void => {
    const next = isVaultError(error) ? error : new VaultError('internal', `What was delivered cannot be reported: ${error instanceof Error ? error.message : String(error)}`, { cause: error });
    const retryMs = backoff.next();
    if (problem?.code !== next.code) report({ type: 'report-failed', error: next, retryMs });
    problem = next;
    said = undefined;
    ask(retryMs);
  };

  /** The name under which it is a recipient, where the configuration says none. */
  const nameOf = (): string | undefined => configuration?.report?.node ?? follower?.states.flatMap(({ content }) => content?.recipient ?? [])[0];

  const write = async (mine: ReportWriter): Promise<void> => {
    const repository = follower?.trusted?.repository;
    if (configuration === undefined || follower === undefined || repository === undefined || node === undefined) return;
    const generations = new Map(handed);
    await Promise.all(others.map(async (other) => { await other.settled?.(); }));
    const facts = {
      repository, node, roster: follower.trusted?.roster.version ?? 1,
      items: deliveredItems(configuration, follower.states.map(({ ref }) => ref), generations, others.flatMap((other) => [...other.problems()])),
    };
    const text = JSON.stringify(facts);
    const time = now();
    if (text === said && sentAt !== undefined && time.getTime() - sentAt.getTime() < RENEW_MS) return;
    sequence = Math.max(sequence + 1, time.getTime());
    lastWrite = performance.now();
    await mine.write(encodeReport({ ...facts, time: `${time.toISOString().slice(0, 19)}Z`, sequence }, follower.identity));
    if (mine !== writer) return;
    [said, sentAt] = [text, time];
    report({ type: 'reported', node, items: facts.items.length });
    keepLater(jittered(ttl() / 3));
  };

  const keep = async (mine: ReportWriter): Promise<void> => {
    keepLater(jittered(ttl() / 3)); // Also where it fails.
    if (!await mine.keep()) said = undefined;
    if (said === undefined || (sentAt !== undefined && now().getTime() - sentAt.getTime() > RENEW_MS)) ask();
  };

  /** Begins where all is known that it takes. */
  const begin = (): void => {
    const wanted = configuration?.report;
    const reports = follower?.source.reports;
    if (wanted === undefined || reports === undefined || writer !== undefined) return;
    if (follower?.identity.signingKey === undefined) {
      warn('Nothing is reported: an age identity cannot sign.');
      return;
    }
    node = nameOf();
    if (node === undefined) {
      if (handed.size > 0) warn('Nothing is reported: under which name this node is a recipient is not known. Name it, as "report": {"node": "NAME"}.');
      return;
    }
    writer = reports.writer(node, { ttlSeconds: Math.round(wanted.ttl / 1000) });
    ask();
  };

  return {
    get state() { return configuration?.report === undefined ? undefined : { node, sentAt, problem }; },
    look() { ask(); },
    apply(next, following) {
      [configuration, follower] = [next, following];
      handed = new Map(following.states.flatMap(({ ref, content }) => (content === undefined ? [] : [[refText(ref), content.generation]])));
      clearTimeout(timer);
      clearTimeout(keepTimer);
      [timer, writer, node, said, problem] = [undefined, undefined, undefined, undefined, undefined];
      begin();
      return Promise.resolve();
    },
    changed(contents) {
      for (const content of contents) handed.set(refText(content), content.generation);
      begin();
      ask();
    },
    problems: () => [],
    stop() {
      isStopped = true;
      clearTimeout(timer);
      clearTimeout(keepTimer);
      return Promise.resolve(); // What is under way ends with the connection.
    },
  };
}
