import { compareItems, type ReportedItem } from '../../inventory/report.ts';
import type { ItemRef } from '../../sealing/dataKey.ts';
import type { Judged, ReportBook } from './reportBook.ts';

/** An item, and who can open it. */
export interface SealedTo extends ItemRef {
  readonly generation: number;
  /** Names of clients. */
  readonly clients: readonly string[];
}

/** How far a generation of an item has come: each of its clients is in one of the four groups. */
export interface ItemReports extends ItemRef {
  /** That is asked for. */
  readonly generation: number;
  readonly recipients: number;
  readonly upToDate: number;
  /** Nodes that report another state: the generation that they have (0: none; null: they do not ask for the item), and whether it was delivered. */
  readonly lagging: readonly { readonly node: string; readonly generation: number | null; readonly delivered: boolean }[];
  /** Nodes of which there is no report. */
  readonly silent: readonly string[];
  /** Nodes whose report does not count. */
  readonly unverified: readonly { readonly node: string; readonly problem: string }[];
}

/** @param wanted another generation than the item's own */
export function countReports({ vault, item, generation, clients }: SealedTo, book: Pick<ReportBook, 'of'>, wanted = generation): ItemReports {
  const lagging: ItemReports['lagging'][number][] = [];
  const silent: string[] = [];
  const unverified: ItemReports['unverified'][number][] = [];
  let upToDate = 0;
  for (const node of clients) {
    const judged: Judged | undefined = book.of(node);
    if (judged === undefined) silent.push(node);
    else if ('problem' in judged) unverified.push({ node, problem: judged.problem });
    else {
      const reported = find(judged.report.items, { vault, item });
      if (reported !== undefined && reported.delivered && reported.generation >= wanted) upToDate++;
      else lagging.push({ node, generation: reported?.generation ?? null, delivered: reported?.delivered ?? false });
    }
  }
  return { vault, item, generation: wanted, recipients: clients.length, upToDate, lagging, silent, unverified };
}

/** In a sorted list. */
function find(items: readonly ReportedItem[], wanted: ItemRef): ReportedItem | undefined {
  let [from, to] = [0, items.length];
  while (from < to) {
    const middle = (from + to) >> 1;
    const each = items[middle];
    if (each === undefined) return undefined;
    const order = compareItems(each, wanted);
    if (order === 0) return each;
    if (order < 0) from = middle + 1;
    else to = middle;
  }
  return undefined;
}
