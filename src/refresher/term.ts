import { setTimeout as delay } from 'node:timers/promises';
import { openBackoff } from '../agent/following/backoff.ts';
import { isVaultError, type VaultError } from '../errors.ts';
import type { Signer } from '../items/seal.ts';
import { isAudienceName } from '../names.ts';
import { forgetOld } from '../operations/joining/forgetOld.ts';
import { joinStoreOf } from '../operations/joining/joinStore.ts';
import { signerOf, trustRoster, type Trust, type Workspace } from '../operations/workspace.ts';
import type { ItemRef } from '../sealing/dataKey.ts';
import type { Identity } from '../sealing/identity.ts';
import type { ChangeStore } from '../stores/changes.ts';
import type { LiveStore } from '../stores/live.ts';
import type { ReportRefresherEvent } from './events.ts';
import { openBell, type Bell } from './bell.ts';
import { openFailing } from './failing.ts';
import { openFleet, type Fleet } from './fleet.ts';
import { openGoneNodes } from './goneNodes.ts';
import { openItemIndex } from './itemIndex.ts';
import { openAdmitting } from './joins.ts';
import type { RefresherPolicy } from './policy.ts';
import { openProblems } from './problems.ts';
import { refreshAffected, type RefreshWork } from './refreshing.ts';
import { placeOf, type RetirementRecord, type Retirements } from './retirement.ts';
import { retireSilent } from './retireSilent.ts';
import type { Silence } from './silence.ts';
import { openUnadmitted } from './unadmitted.ts';

export interface TermOptions {
  /** Whose store writes as long as the election holds. */
  readonly workspace: Workspace;
  readonly changes: ChangeStore;
  readonly live: LiveStore;
  readonly identity: Identity;
  readonly policy: () => RefresherPolicy;
  readonly silence: () => Silence | undefined;
  /** Of the terms before too. */
  readonly retirements: Retirements;
  readonly record: RetirementRecord;
  readonly report: ReportRefresherEvent;
  /** The identity is not on the roster any more. */
  readonly unfit: (error: VaultError) => void;
  /** A fault of the program. */
  readonly crashed: (error: unknown) => void;
}

/** What a term comes to, for whoever watches. */
export interface TermStatus {
  readonly isLoaded: boolean;
  /** Everything was looked at since the beginning. */
  readonly isChecked: boolean;
  readonly nodes: number;
  readonly admitted: number;
  readonly items: number;
  readonly failing: number;
  readonly held: number;
  readonly problem: VaultError | undefined;
}

/** The time for which one refresher is the one that is elected. */
export interface Term {
  readonly status: TermStatus;
  /** The policy is another, or time passed: looks again at who may be retired. */
  judge(): void;
  /** Ends it once the item in hand is written. */
  stop(): Promise<void>;
}

/** What happens within this time is one batch: a thousand nodes that join are not a thousand generations of an item. In milliseconds. */
const BATCH_MS = 150;
/** As long as further nodes are being admitted, a batch waits for them, so long. */
const LONGEST_BATCH_MS = 1000;
/** Items that are looked at between two batches, after the beginning of a term. */
const CHECK_ITEMS = 64;
/** After which requests that changed whenever they were looked at are looked at again. */
const AGAIN_MS = 1000;
const FORGET_MS = 3_600_000;

interface Loaded {
  readonly trust: Trust;
  readonly signer: Signer;
  readonly fleet: Fleet;
}

export function beginTerm({ workspace, changes, live, identity, policy, silence, retirements, record, report, unfit, crashed }: TermOptions): Term {
  const { store } = workspace;
  const abort = new AbortController();
  const { signal } = abort;
  const isOver = (): boolean => signal.aborted;
  const nodes = new Set<string>();
  const items = new Map<string, ItemRef>();
  const dirty = new Map<string, ItemRef>();
  const gone = openGoneNodes(store);
  let checks: ItemRef[] = [];
  const due = { load: false, requests: false, judge: false };
  let [isChecked, isAdmitting] = [false, false];
  let loaded: Loaded | undefined;
  const problems = openProblems(report);
  const [wakeRefresh, wakeAdmit] = [openBell(signal), openBell(signal)];
  const index = openItemIndex(live, identity.publicKey.fingerprint);
  const admitting = openAdmitting();
  const unadmitted = openUnadmitted(report);
  const failing = openFailing(report, (ref) => { add(dirty, [ref]); wakeRefresh.ring(); });
  let windowTimer: NodeJS.Timeout | undefined;
  let againTimer: NodeJS.Timeout | undefined;
  let wasHeld = false;

  const ends = [
    changes.follow({
      node(name) { nodes.add(name); wakeRefresh.ring(); },
      roles() { due.load = true; wakeRefresh.ring(); },
      item(ref) { add(items, [ref]); wakeRefresh.ring(); },
      roster() { due.load = true; wakeRefresh.ring(); },
      anew() { due.load = true; wakeRefresh.ring(); },
      problem: (problem) => { problems.at('changes', problem); },
    }),
    joinStoreOf(store).followRequests({ changed() { due.requests = true; wakeAdmit.ring(); }, problem: (problem) => { problems.at('requests', problem); } }),
  ];
  const forgetting = setInterval(() => { forgetOld(workspace).catch((error: unknown) => { if (!isVaultError(error)) crashed(error); }); }, FORGET_MS);
  forgetting.unref();
  const loops = Promise.all([repeat('refresh', wakeRefresh, refresh), repeat('admit', wakeAdmit, admit)]).catch(crashed);

  /** Runs `work` whenever there is something to do, until the term ends; what fails is tried again. */
  async function repeat(place: string, bell: Bell, work: () => Promise<void>): Promise<void> {
    const backoff = openBackoff(500, 30_000);
    while (!isOver()) {
      await bell.rung();
      try {
        if (!isOver()) await work();
        backoff.reset();
        if (!isOver()) problems.at(place, undefined);
      } catch (error) {
        if (!isVaultError(error)) throw error;
        if (isOver()) return;
        problems.at(place, error);
        if (error.code === 'not-an-admin') unfit(error);
        await delay(backoff.next(), undefined, { signal }).catch(() => undefined);
        bell.ring();
      }
    }
  }

  async function refresh(): Promise<void> {
    await batch();
    if (signal.aborted) return;
    if (loaded === undefined || due.load) await load();
    const now = loaded;
    if (now === undefined) return;
    await look(now);
    const work: RefreshWork = { ...now, workspace, retirements, report, signal };
    if (due.judge || retirements.couldRelease(now.fleet.countWith(retirements.heldNames))) await judgeAnew(work);
    const refs = dirty.size > 0 ? [...dirty.values()] : checks.slice(0, CHECK_ITEMS);
    if (refs.length > 0) await run(work, refs);
    tellHeld();
    if (dirty.size > 0 || checks.length > 0) {
      wakeRefresh.ring();
      return;
    }
    await gone.forget((name) => now.fleet.isKnown(name), retirements.heldNames);
    if (isChecked) return;
    isChecked = true;
    report({ type: 'checked', items: index.size });
  }

  /** Waits for what belongs together. */
  async function batch(): Promise<void> {
    if (checks.length > 0 && nodes.size === 0 && items.size === 0) return;
    for (let waited = 0; waited === 0 || (isAdmitting && waited < LONGEST_BATCH_MS); waited += BATCH_MS) {
      await delay(BATCH_MS, undefined, { signal }).catch(() => undefined);
    }
  }

  async function load(): Promise<void> {
    const began = performance.now();
    due.load = false;
    try {
      const trust = await trustRoster(workspace, { firstUse: 'refuse' });
      const signer = signerOf(trust.roster, identity);
      if (loaded === undefined) await retirements.begin(record);
      const refs = await store.listItems();
      index.clear();
      await index.update(refs);
      const fleet = loaded?.fleet ?? openFleet(store, trust);
      gone.add(await fleet.load(trust, index.queries()));
      loaded = { trust, signer, fleet };
      // Audiences first: what is sealed to them follows them.
      checks = [...refs].sort((a, b) => Number(isAudienceName(b.item)) - Number(isAudienceName(a.item)));
      due.judge = true;
      report({ type: 'loaded', nodes: fleet.size, admitted: fleet.admitted, items: refs.length, seconds: Math.round(performance.now() - began) / 1000 });
      unadmitted.tellAll(fleet);
      wakeAdmit.ring();
    } catch (error) {
      due.load = true;
      throw error;
    }
  }

  /** Reads what changed, and finds which items that concerns. */
  async function look({ fleet }: Loaded): Promise<void> {
    const names = [...nodes];
    const refs = [...items.values()];
    nodes.clear();
    items.clear();
    try {
      if (names.length > 0) add(dirty, index.concernedBy(await fleet.update(names)));
      gone.add(names.filter((name) => !fleet.isKnown(name)));
      unadmitted.tell(fleet, names);
      if (refs.length === 0) return;
      add(dirty, await index.update(refs));
      await fleet.answer(index.queries());
    } catch (error) {
      for (const name of names) nodes.add(name);
      add(items, refs);
      throw error;
    }
  }

  async function judgeAnew(work: RefreshWork): Promise<void> {
    due.judge = false;
    const known = silence();
    const after = policy().retireSilentAfter;
    if (known !== undefined && after !== undefined) await retireSilent(work, known, after);
    for (const place of retirements.held()) {
      const [vault, item] = place.split('/');
      if (vault !== undefined && item !== undefined) add(dirty, [{ vault, item }]);
    }
  }

  async function run(work: RefreshWork, refs: readonly ItemRef[]): Promise<void> {
    for (const ref of refs) dirty.delete(placeOf(ref));
    checks = checks.filter((ref) => !refs.some((each) => placeOf(each) === placeOf(ref)));
    try {
      const { written, failed, isPartial } = await refreshAffected(work, refs);
      if (isPartial) add(dirty, refs);
      for (const { generation, ...ref } of written) index.wrote(ref, generation);
      if (!isOver()) failing.take(refs, failed);
    } catch (error) {
      add(dirty, refs);
      throw error;
    }
  }

  function tellHeld(): void {
    const isHeld = retirements.heldNames.size > 0;
    if (wasHeld && !isHeld) report({ type: 'retirement-released' });
    wasHeld = isHeld;
    clearTimeout(windowTimer);
    const wait = retirements.nextChange();
    if (wait !== undefined) windowTimer = setTimeout(() => { judge(); }, wait + 1).unref();
  }

  async function admit(): Promise<void> {
    if (loaded === undefined || !due.requests) return;
    due.requests = false;
    isAdmitting = true;
    try {
      if (!await admitting.admitAll({ ...loaded, workspace, report, signal })) return;
      due.requests = true;
      clearTimeout(againTimer);
      againTimer = setTimeout(() => { wakeAdmit.ring(); }, AGAIN_MS).unref();
    } catch (error) {
      due.requests = true;
      throw error;
    } finally {
      isAdmitting = false;
    }
  }

  function judge(): void {
    due.judge = true;
    wakeRefresh.ring();
  }

  return {
    get status() {
      return {
        isLoaded: loaded !== undefined, isChecked, nodes: loaded?.fleet.size ?? 0, admitted: loaded?.fleet.admitted ?? 0, items: index.size,
        failing: failing.size, held: retirements.heldNames.size, problem: problems.first,
      };
    },
    judge,
    async stop() {
      abort.abort();
      for (const end of ends) end();
      clearInterval(forgetting);
      clearTimeout(windowTimer);
      clearTimeout(againTimer);
      failing.stop();
      await loops;
    },
  };
}

function add(to: Map<string, ItemRef>, refs: Iterable<ItemRef>): void {
  for (const { vault, item } of refs) to.set(placeOf({ vault, item }), { vault, item });
}
