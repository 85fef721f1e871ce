import { knownError } from '../agent/unexpected.ts';
import { isVaultError, type VaultError } from '../errors.ts';
import { signerOf, trustRoster, type Workspace } from '../operations/workspace.ts';
import type { Identity } from '../sealing/identity.ts';
import type { Store } from '../stores/store.ts';
import { unsupported } from '../stores/unsupported.ts';
import type { ReportRefresherEvent } from './events.ts';
import type { RefresherPolicy } from './policy.ts';
import { openProblems } from './problems.ts';
import { openRetirements } from './retirement.ts';
import { openRetirementRecord } from './retirementRecord.ts';
import { followSilence, type Silence } from './silence.ts';
import { beginTerm, type Term, type TermStatus } from './term.ts';

export interface RefresherOptions {
  readonly workspace: Workspace;
  readonly identity: Identity;
  /** For people: who this is, among several. */
  readonly candidate: string;
  readonly policy: RefresherPolicy;
  readonly report: ReportRefresherEvent;
  /** The identity is not on the roster any more: somebody else should be elected. */
  readonly unfit: (error: VaultError) => void;
  /** A fault of the program: it must end. */
  readonly crashed: (error: VaultError) => void;
}

export interface RefresherStatus {
  /** Undefined where another is elected, or nobody is. */
  readonly term: TermStatus | undefined;
  /** Who is elected, as they call themselves. */
  readonly elected: string | undefined;
  /** What is wrong with the election. */
  readonly problem: VaultError | undefined;
}

/** One of several that do the same work, of whom one is elected. */
export interface Refresher {
  readonly status: RefresherStatus;
  /** Takes another policy on; its lease is that of the next start. */
  apply(policy: RefresherPolicy): Promise<void>;
  /** Ends it once the item in hand is written, and lets another be elected at once. */
  stop(): Promise<void>;
}

const SAVE_MS = 60_000;
/** How often it is looked at who is silent: a part of the time that is too long, within bounds. */
const SILENCE_PART = 1 / 10;
const [LEAST_LOOK_MS, MOST_LOOK_MS] = [500, 60_000];

/**
 * Begins to stand for election, and does the work whenever it is elected.
 * @throws VaultError store-unsupported; roster-*, not-an-admin where the identity is not on the roster
 */
export async function startRefresher({ workspace, identity, candidate, policy: first, report, unfit, crashed }: RefresherOptions): Promise<Refresher> {
  const { store, state } = workspace;
  const { election, changes, live, reports } = store;
  if (election === undefined || changes === undefined || live === undefined || store.joining === undefined || reports === undefined) throw unsupported(store, 'tells nobody of changes, so nothing can follow them');
  const trust = await trustRoster(workspace, { firstUse: 'refuse' });
  signerOf(trust.roster, identity);
  let policy = first;
  let term: Term | undefined;
  let ending: Promise<void> = Promise.resolve();
  let elected: string | undefined;
  const problems = openProblems(report);
  const retirements = openRetirements(() => policy, () => workspace.now().getTime());
  let silence: Silence | undefined;
  let timers: NodeJS.Timeout[] = [];

  const begin = (fenced: Store): void => {
    report({ type: 'elected' });
    term = beginTerm({
      workspace: { ...workspace, store: fenced }, changes, live, identity, report, unfit, retirements, record: openRetirementRecord(fenced.election ?? election),
      policy: () => policy, silence: () => silence, crashed: (error) => { crashed(knownError(error)); },
    });
  };
  /** What the term before was doing ends before the next begins: both would be in this process. */
  const finish = (): Promise<void> => {
    const last = term;
    term = undefined;
    if (last !== undefined) ending = Promise.all([ending, last.stop()]).then(() => undefined);
    return ending;
  };
  let round = 0;
  const campaign = election.campaign({ name: candidate, ttlSeconds: Math.max(1, Math.round(policy.lease / 1000)) }, {
    elected(fenced) {
      const mine = ++round;
      void ending.then(() => { if (round === mine) begin(fenced); });
    },
    lost() {
      round++;
      report({ type: 'election-lost' });
      void finish();
    },
    others(name) {
      elected = name;
      if (name !== undefined && name !== candidate) report({ type: 'standing-by', elected: name });
    },
    problem: (problem) => { problems.at('election', problem); },
  });

  /** Reports are followed by those who are not elected too, so that whoever is next knows since when a node is silent. */
  const watchSilence = async (): Promise<void> => {
    for (const timer of timers) clearInterval(timer);
    timers = [];
    const after = policy.retireSilentAfter;
    if (after === undefined) {
      silence?.stop();
      silence = undefined;
      return;
    }
    silence ??= await followSilence(reports, state, trust.repository, () => workspace.now().getTime(), () => undefined);
    const look = Math.min(MOST_LOOK_MS, Math.max(LEAST_LOOK_MS, after * SILENCE_PART));
    timers = [setInterval(() => { term?.judge(); }, look), setInterval(() => { void save(); }, SAVE_MS)];
    for (const timer of timers) timer.unref();
  };
  const save = async (): Promise<void> => {
    try {
      await silence?.save();
    } catch (error) {
      if (!isVaultError(error)) throw error;
      report({ type: 'warned', text: `When nodes last reported cannot be remembered: ${error.message}` });
    }
  };
  await watchSilence();

  return {
    get status() { return { term: term?.status, elected, problem: problems.first }; },
    async apply(next) {
      policy = next;
      await watchSilence();
      term?.judge();
    },
    async stop() {
      round++;
      for (const timer of timers) clearInterval(timer);
      await finish();
      await campaign.resign();
      await save();
      silence?.stop();
      live.close();
    },
  };
}
