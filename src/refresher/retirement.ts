import type { ItemRef } from '../sealing/dataKey.ts';
import type { RefresherPolicy } from './policy.ts';

/** Nodes that lose something, against how many may at once. */
export interface Retirements {
  /** Another term begins: nothing is held yet, and what others retired before it counts. @throws VaultError store-unreachable */
  begin(record: RetirementRecord): Promise<void>;
  /**
   * Whether these may, beside those that did of late and those that wait for it. If not, they are held: none of them loses anything until all may. That they
   * may is written down first.
   * @param losses names by what would take from them: an item, or the silence of nodes; what was held there before is judged anew
   * @param fleet how many nodes there are, those that would go too
   * @throws VaultError store-unreachable, store-conflict
   */
  mayRetire(losses: ReadonlyMap<string, ReadonlySet<string>>, fleet: number): Promise<boolean>;
  /** Places at which somebody is held. */
  held(): readonly string[];
  readonly heldNames: ReadonlySet<string>;
  /** Until somebody who is held may be judged anew because time passed, in milliseconds; undefined where time changes nothing. */
  nextChange(): number | undefined;
  most(fleet: number): number;
  /** Whether all who are held could go now. */
  couldRelease(fleet: number): boolean;
  /** Nothing is held at this place any more. */
  forget(place: string): void;
}

/** Where it is kept who lost something of late, for whoever is elected next: to end, or to be replaced, is no way past the share. */
export interface RetirementRecord {
  /** When each did, by name. */
  read(): Promise<ReadonlyMap<string, number>>;
  write(retired: ReadonlyMap<string, number>): Promise<void>;
}

/** The least that may be retired at once: with a handful of nodes, a share is none. */
const LEAST = 1;

export function openRetirements(policy: () => Pick<RefresherPolicy, 'mostRetiredAtOnce' | 'within'>, now: () => number): Retirements {
  /** When each lost something the last time. */
  const retired = new Map<string, number>();
  const heldAt = new Map<string, ReadonlySet<string>>();
  let kept: RetirementRecord | undefined;

  const forgetOld = (): void => {
    const from = now() - policy().within;
    for (const [name, time] of retired) if (time <= from) retired.delete(name);
  };
  const heldNames = (): Set<string> => new Set([...heldAt.values()].flatMap((names) => [...names]));
  const most = (fleet: number): number => Math.max(LEAST, Math.floor(fleet * policy().mostRetiredAtOnce));

  return {
    most,
    get heldNames() { return heldNames(); },
    couldRelease(fleet) {
      forgetOld();
      return heldAt.size > 0 && new Set([...retired.keys(), ...heldNames()]).size <= most(fleet);
    },
    held: () => [...heldAt.keys()],
    forget(place) { heldAt.delete(place); },
    async begin(record) {
      heldAt.clear();
      // By the clock of another, who may be ahead.
      for (const [name, time] of await record.read()) retired.set(name, Math.max(retired.get(name) ?? 0, Math.min(time, now())));
      kept = record;
    },
    async mayRetire(losses, fleet) {
      forgetOld();
      for (const place of losses.keys()) heldAt.delete(place);
      const names = new Set([...losses.values()].flatMap((each) => [...each]));
      if (names.size === 0) return true;
      const all = new Set([...retired.keys(), ...heldNames(), ...names]);
      if (all.size > most(fleet)) {
        for (const [place, some] of losses) if (some.size > 0) heldAt.set(place, some);
        return false;
      }
      const after = new Map([...retired, ...[...names].map((name) => [name, now()] as const)]);
      await kept?.write(after);
      for (const [name, time] of after) retired.set(name, time);
      return true;
    },
    nextChange() {
      if (heldAt.size === 0 || retired.size === 0) return undefined;
      return Math.max(0, Math.min(...retired.values()) + policy().within - now());
    },
  };
}

export function placeOf({ vault, item }: ItemRef): string {
  return `${vault}/${item}`;
}
