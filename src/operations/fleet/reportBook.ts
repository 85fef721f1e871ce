import { setImmediate as breathe } from 'node:timers/promises';
import { isVaultError } from '../../errors.ts';
import { parseClientSigningKey } from '../../inventory/documents.ts';
import { judgeReport, MOST_REPORT_AGE_MS, type Report, type ReportProblem } from '../../inventory/report.ts';
import type { SigningKey } from '../../sealing/publicKey.ts';
import type { InventoryDocument, Store } from '../../stores/store.ts';

/** What is known of a node: a report that counts, or why the one that is there does not. */
export type Judged = { readonly report: Report } | { readonly problem: ReportProblem | 'replayed' };

/** The reports that are there, each judged by the node's signing key. */
export interface ReportBook {
  /** Takes reports as a store gives them; undefined: gone. */
  take(changes: ReadonlyMap<string, Uint8Array | undefined>): Promise<void>;
  /** Undefined where there is none: the node is silent. */
  of(node: string): Judged | undefined;
}

/** From so many nodes on, whose keys are not known, all clients are read at once. */
const MANY = 20;
/** So many are judged in one go. */
const BREATH = 200;

export function openReportBook(store: Pick<Store, 'readInventory' | 'listInventory'>, repository: string, now: () => Date): ReportBook {
  const judged = new Map<string, Judged>();
  const keys = new Map<string, SigningKey | undefined>();
  /** The highest sequence that was seen of each node: a store that puts back an older report is noticed while one looks. */
  const sequences = new Map<string, number>();

  const readKey = async (node: string): Promise<void> => {
    const document = await store.readInventory('clients', node);
    keys.set(node, document === undefined ? undefined : signingKeyIn(document));
  };
  const readKeys = async (nodes: readonly string[]): Promise<void> => {
    if (nodes.length < MANY) {
      for (const node of nodes) await readKey(node);
      return;
    }
    const wanted = new Set(nodes);
    for (const node of nodes) keys.set(node, undefined);
    for await (const document of store.listInventory('clients')) if (wanted.has(document.name)) keys.set(document.name, signingKeyIn(document));
  };
  const judge = (node: string, bytes: Uint8Array): Judged => judgeReport(bytes, { node, repository, key: keys.get(node), now: now() });

  return {
    async take(changes) {
      const present = [...changes].flatMap(([node, bytes]) => (bytes === undefined ? [] : [[node, bytes] as const]));
      await readKeys(present.flatMap(([node]) => (keys.has(node) ? [] : [node])));
      for (const [node, bytes] of changes) if (bytes === undefined) judged.delete(node);
      for (const [i, [node, bytes]] of present.entries()) {
        if (i % BREATH === BREATH - 1) await breathe(); // Thousands take seconds, in which the connection must be kept.
        let found = judge(node, bytes);
        if ('problem' in found && (found.problem === 'signature-invalid' || found.problem === 'no-signing-key') && judged.has(node)) {
          await readKey(node); // The node may have another key by now.
          found = judge(node, bytes);
        }
        if ('report' in found) {
          const { sequence } = found.report;
          if (sequence < (sequences.get(node) ?? 0)) found = { problem: 'replayed' };
          else sequences.set(node, sequence);
        }
        judged.set(node, found);
      }
    },
    of(node) {
      const found = judged.get(node);
      if (found === undefined || 'problem' in found) return found;
      return now().getTime() - Date.parse(found.report.time) > MOST_REPORT_AGE_MS ? { problem: 'time' } : found;
    },
  };
}

function signingKeyIn({ bytes, source, name }: InventoryDocument): SigningKey | undefined {
  try {
    return parseClientSigningKey(bytes, source, name);
  } catch (error) {
    if (!isVaultError(error)) throw error;
    return undefined;
  }
}
