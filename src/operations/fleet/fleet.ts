import { isVaultError, VaultError } from '../../errors.ts';
import { audienceOf } from '../../items/group.ts';
import { checkName, isAudienceName } from '../../names.ts';
import type { ItemRef } from '../../sealing/dataKey.ts';
import type { LiveStore } from '../../stores/live.ts';
import type { ReportStore } from '../../stores/reports.ts';
import { unsupported } from '../../stores/unsupported.ts';
import { openGroups, refuseAudience } from '../items/groups.ts';
import { vaultNotFound } from '../listItems.ts';
import { readVerifiedItem, trustRoster, type Workspace } from '../workspace.ts';
import { countReports, type ItemReports, type SealedTo } from './itemReports.ts';
import { openReportBook, type ReportBook } from './reportBook.ts';

/** Which items are asked for: one, those of a vault, or all. */
export interface Selection {
  readonly vault?: string | undefined;
  readonly item?: string | undefined;
}

/** An item of which nothing can be told, for it cannot be trusted or read. */
export interface FleetProblem extends ItemRef {
  readonly error: VaultError;
}

export interface FleetStatus {
  readonly items: readonly ItemReports[];
  readonly problems: readonly FleetProblem[];
}

/** Items and reports as they are now, and as they become. */
export interface Fleet {
  readonly targets: ReadonlyMap<string, SealedTo | FleetProblem>;
  readonly book: ReportBook;
}

export interface FleetListener {
  /** First when all is known, then after each change. */
  changed(fleet: Fleet): void;
  /** The connection is lost; undefined: it is back. */
  problem(problem: VaultError | undefined): void;
}

/** Changes that come sooner are told together: to count thousands of reports takes a while. */
const GATHER_MS = 100;

/** How far the present generations have come. @throws VaultError store-unsupported, item-not-found, and what verification throws, of one item */
export async function readFleetStatus(workspace: Workspace, selection: Selection): Promise<FleetStatus> {
  const { reports } = liveOf(workspace);
  const reader = await openReader(workspace, selection);
  const targets = await reader.readAll();
  const book = openReportBook(workspace.store, reader.repository, workspace.now);
  await book.take(await reports.list());
  return statusOf({ targets, book });
}

/** Every item's count. */
export function statusOf({ targets, book }: Fleet): FleetStatus {
  const all = [...targets.values()];
  return {
    items: all.flatMap((each) => ('error' in each ? [] : [countReports(each, book)])),
    problems: all.flatMap((each) => ('error' in each ? [each] : [])),
  };
}

/**
 * Follows items and reports until `signal` is aborted: one look at everything, then what changes. Items that are made meanwhile are not in it.
 * @throws VaultError as {@link readFleetStatus}
 */
export async function watchFleet(workspace: Workspace, selection: Selection, listener: FleetListener, signal: AbortSignal): Promise<void> {
  const { live, reports } = liveOf(workspace);
  const reader = await openReader(workspace, selection);
  const targets = await reader.readAll();
  const book = openReportBook(workspace.store, reader.repository, workspace.now);
  let isListed = false;
  let timer: NodeJS.Timeout | undefined;
  let tookMs = 0;
  const faults: Error[] = [];
  const over = new AbortController();

  const told = (): void => {
    if (!isListed || over.signal.aborted) return;
    timer ??= setTimeout(() => {
      timer = undefined;
      const began = performance.now();
      listener.changed({ targets, book });
      tookMs = performance.now() - began;
    }, Math.max(GATHER_MS, 4 * tookMs));
  };
  let queue = Promise.resolve();
  const inTurn = (work: () => Promise<void>): void => {
    queue = queue.then(work).then(told).catch((error: unknown) => {
      // What etcd does not give now is told by its watch.
      if (isVaultError(error, 'store-unreachable')) listener.problem(error);
      else {
        faults.push(error instanceof Error ? error : new Error(String(error)));
        over.abort();
      }
    });
  };
  const readAgain = (refs?: readonly ItemRef[]): void => {
    inTurn(async () => {
      for (const [name, target] of await reader.readAll(refs)) targets.set(name, target);
    });
  };

  const ends = [
    live.follow(reader.followed(), {
      item(ref) { readAgain(reader.sealedTo(ref)); },
      roster() { readAgain(); },
      // Read before the watch began, or while it was lost: most of it is as it was.
      anew() {
        inTurn(async () => {
          for (const [name, target] of await reader.readAll(await reader.changed())) targets.set(name, target);
        });
      },
      problem: (problem) => { listener.problem(problem); },
    }),
    reports.follow({
      changed(changes) {
        inTurn(async () => {
          await book.take(changes);
          isListed = true;
        });
      },
      problem: (problem) => { listener.problem(problem); },
    }),
  ];
  await new Promise<void>((resolve) => {
    const end = (): void => { resolve(); };
    if (signal.aborted) end();
    signal.addEventListener('abort', end, { once: true });
    over.signal.addEventListener('abort', end, { once: true });
  });
  for (const end of ends) end();
  clearTimeout(timer);
  over.abort();
  live.close();
  const [fault] = faults;
  if (fault !== undefined) throw fault;
}

/** @throws VaultError store-unsupported */
function liveOf({ store }: Workspace): { readonly live: LiveStore; readonly reports: ReportStore } {
  const { live, reports } = store;
  if (live === undefined || reports === undefined) throw unsupported(store, 'has no place for what nodes report');
  return { live, reports };
}

interface Reader {
  readonly repository: string;
  /** Items as they are now; all where none are named. Of a single one that was asked for, what is wrong is thrown. */
  readAll(refs?: readonly ItemRef[]): Promise<Map<string, SealedTo | FleetProblem>>;
  /** What is to be followed, so that no change is missed: items, and the audiences that they are sealed to. */
  followed(): ItemRef[];
  /** Items that have, or whose audience has, another generation than was read. */
  changed(): Promise<ItemRef[]>;
  /** The items that a change of an item or an audience concerns. */
  sealedTo(ref: ItemRef): ItemRef[];
}

async function openReader(workspace: Workspace, { vault, item }: Selection): Promise<Reader> {
  if (vault !== undefined) checkName('vault', vault);
  if (vault !== undefined && item !== undefined) {
    checkName('item', item);
    refuseAudience({ vault, item });
  }
  let trust = await trustRoster(workspace);
  const refs = vault !== undefined && item !== undefined ? [{ vault, item }] : (await workspace.store.listItems(vault)).filter((ref) => !isAudienceName(ref.item));
  if (vault !== undefined && refs.length === 0) throw vaultNotFound(vault, await workspace.store.listItems());
  /** By item, which audience it is sealed to. */
  const audiences = new Map<string, ItemRef>();
  /** Of items and audiences, as they were read. */
  const generations = new Map<string, number>();

  const read = async (ref: ItemRef, groups: ReturnType<typeof openGroups>): Promise<SealedTo> => {
    const verified = await readVerifiedItem(workspace, trust, ref);
    if (verified === undefined) throw new VaultError('item-not-found', `There is no item ${nameOf(ref)}.`, { hint: 'See "vault list".', details: { ...ref } });
    const audience = audienceOf(ref, verified.keys);
    if (audience === undefined) audiences.delete(nameOf(ref));
    else audiences.set(nameOf(ref), audience);
    const group = await groups.of(verified);
    generations.set(nameOf(ref), verified.header.generation);
    if (group !== undefined) generations.set(nameOf(group), group.header.generation);
    const { clients } = (group ?? verified).keys;
    return { ...ref, generation: verified.header.generation, clients: clients.map(({ name }) => name) };
  };
  const reader: Reader = {
    get repository() { return trust.repository; },
    async readAll(only) {
      if (only === undefined) trust = await trustRoster(workspace);
      const groups = openGroups(workspace, trust);
      const found = new Map<string, SealedTo | FleetProblem>();
      for (const ref of only ?? refs) {
        try {
          found.set(nameOf(ref), await read(ref, groups));
        } catch (error) {
          if (!isVaultError(error) || error.code === 'store-unreachable' || item !== undefined) throw error;
          if (error.code !== 'item-other-format') found.set(nameOf(ref), { ...ref, error });
        }
      }
      return found;
    },
    followed: () => [...refs, ...new Map([...audiences.values()].map((ref) => [nameOf(ref), ref])).values()],
    async changed() {
      const found: ItemRef[] = [];
      for (const ref of reader.followed()) {
        if ((await workspace.store.readHead(ref))?.generation !== generations.get(nameOf(ref))) found.push(...reader.sealedTo(ref));
      }
      return [...new Map(found.map((ref) => [nameOf(ref), ref])).values()];
    },
    sealedTo: (ref) => (isAudienceName(ref.item) ? refs.filter((each) => audiences.get(nameOf(each))?.item === ref.item && each.vault === ref.vault) : [ref]),
  };
  return reader;
}

function nameOf({ vault, item }: ItemRef): string {
  return `${vault}/${item}`;
}
