import * as z from 'zod/mini';
import { nameProblem } from '../names.ts';
import type { VaultError } from '../errors.ts';
import type { StateDirectory } from '../state/stateDirectory.ts';
import type { ReportStore } from '../stores/reports.ts';

/** Since when nodes that reported before do not. That there is a report is all that counts; a node that is not well says so itself. */
export interface Silence {
  /** Nodes that reported once and have not for so long, with how long, in milliseconds. */
  silentFor(milliseconds: number): ReadonlyMap<string, number>;
  forget(name: string): void;
  /** Remembers what is known, for the next start. */
  save(): Promise<void>;
  stop(): void;
}

const seenSchema = z.strictObject({ seen: z.record(z.string().check(z.refine((name) => nameProblem('node', name) === undefined, 'not a name')), z.int()) });

/** @param repository digest of the roster's version 1 */
export async function followSilence(reports: ReportStore, state: StateDirectory, repository: string, now: () => number, problem: (problem: VaultError | undefined) => void): Promise<Silence> {
  /** When each node was last there; those whose report is there now are in `present`. */
  const seen = new Map(Object.entries((await state.read(seenSchema, 'refresher', repository))?.seen ?? {}));
  const present = new Set<string>();
  let isTold = false;
  const stop = reports.follow({
    changed(changes) {
      isTold = true;
      for (const [node, bytes] of changes) {
        seen.set(node, now());
        if (bytes === undefined) present.delete(node);
        else present.add(node);
      }
    },
    problem,
  });
  return {
    silentFor(milliseconds) {
      // Until the reports that are there are known, everybody would be silent.
      if (!isTold) return new Map();
      return new Map([...seen].flatMap(([node, last]) => (present.has(node) || now() - last < milliseconds ? [] : [[node, now() - last] as const])));
    },
    forget(name) { seen.delete(name); },
    async save() {
      for (const node of present) seen.set(node, now());
      if (seen.size > 0) await state.write({ seen: Object.fromEntries([...seen].sort(([a], [b]) => (a < b ? -1 : 1))) }, 'refresher', repository);
    },
    stop,
  };
}
