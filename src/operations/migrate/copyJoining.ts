import { MOST_STATEMENT_BYTES } from '../../joining/statement.ts';
import { equalBytes } from '../../sealing/encoding.ts';
import { JOIN_KINDS, type JoinDocument, type JoinKind } from '../../stores/joining.ts';
import type { Store } from '../../stores/store.ts';
import { sideBySide } from './sideBySide.ts';

/** What there is of joining, and whether it could be moved: files have no place for it. */
export interface CopiedJoining {
  readonly invitations: number;
  readonly requests: number;
  readonly admissions: number;
  readonly moved: boolean;
}

type Named = JoinDocument & { readonly name: string };

/**
 * Makes `to` hold what `from` holds of joining, to the byte: an invitation goes with how often it was used, and with who joined by it.
 * @param change does what it is given, and counts it
 * @returns undefined where there is nothing of it in `from`, nor a place for it
 */
export async function copyJoining(from: Store, to: Store, change: (work: () => Promise<unknown>) => Promise<void>): Promise<CopiedJoining | undefined> {
  const counts: Record<JoinKind, number> = { invitations: 0, uses: 0, requests: 0, admissions: 0, refusals: 0 };
  if (from.joining === undefined) return undefined;
  const target = to.joining;
  for (const kind of JOIN_KINDS) {
    for await (const { name, here, there } of sideBySide(readable(from.joining.listKind(kind)), target?.listKind(kind) ?? nothing())) {
      if (here !== undefined) counts[kind]++;
      if (target === undefined || (here !== undefined && there !== undefined && equalBytes(here.bytes, there.bytes))) continue;
      await change(() => target.restore(kind, name, here?.bytes));
    }
  }
  const { invitations, requests, admissions } = counts;
  return { invitations, requests, admissions, moved: target !== undefined };
}

/** Strangers may write requests; what nobody would read is not taken along. */
async function* readable(documents: AsyncIterable<Named>): AsyncGenerator<Named> {
  for await (const each of documents) if (each.bytes.length <= MOST_STATEMENT_BYTES) yield each;
}

async function* nothing(): AsyncGenerator<Named> {
  // A store without a place for it has none.
}
