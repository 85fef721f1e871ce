import { timeText } from '../../items/seal.ts';
import { isVaultError } from '../../errors.ts';
import type { ItemRef } from '../../sealing/dataKey.ts';
import { clearRotation, readRotation, writeRotation, type Rotation } from '../../state/rotations.ts';
import { readVerifiedItem } from '../workspace.ts';
import type { Session } from './changeItem.ts';
import { changeItems, type BatchOptions } from './changeItems.ts';
import type { ItemOutcome } from './outcome.ts';

/** Encrypted anew under another data key, for the same recipients. */
const ROTATE = { rotate: true, scope: 'named' } as const;

/** Encrypts items anew under fresh data keys, for the same recipients. @throws VaultError as changeItems */
export async function rotateKeys(session: Session, refs: readonly ItemRef[], options: BatchOptions): Promise<ItemOutcome[]> {
  return await changeItems(session, refs, ROTATE, options);
}

export interface RotateAllOptions extends BatchOptions {
  /** Begin anew, though an earlier run was interrupted. */
  readonly restart: boolean;
  /** Told where an interrupted run is gone on with. */
  readonly onResume: (rotation: { readonly started: string; readonly left: number; readonly total: number }) => void;
}

/**
 * {@link rotateKeys} of every item. What was begun is remembered, so that a run that was interrupted is gone on with: an item that has
 * another data key than at its beginning is done, whoever did it.
 */
export async function rotateAllKeys(session: Session, refs: readonly ItemRef[], options: RotateAllOptions): Promise<ItemOutcome[]> {
  const { workspace: { state }, trust: { repository } } = session;
  return await state.locked(async () => {
    const begun = options.restart ? undefined : await readRotation(state, repository);
    const rotation = begun ?? { started: timeText(session.workspace.now()), items: await commitmentsOf(session, refs) };
    const left = begun === undefined ? refs : await notYetRotated(session, refs, begun);
    if (begun === undefined) {
      if (!options.dryRun) await writeRotation(state, repository, rotation);
    } else {
      options.onResume({ started: begun.started, left: left.length, total: refs.length });
    }
    const outcomes = await rotateKeys(session, left, options);
    if (!options.dryRun && outcomes.every(({ error }) => error === undefined)) await clearRotation(state, repository);
    return outcomes;
  }, ['rotations', repository], options.signal);
}

async function commitmentsOf(session: Session, refs: readonly ItemRef[]): Promise<Rotation['items']> {
  const items: (ItemRef & { commitment: string })[] = [];
  for (const ref of refs) {
    const commitment = await commitmentOf(session, ref);
    if (commitment !== undefined) items.push({ vault: ref.vault, item: ref.item, commitment });
  }
  return items;
}

/** What is new since then, or could not be read then, is rotated too. */
async function notYetRotated(session: Session, refs: readonly ItemRef[], { items }: Rotation): Promise<ItemRef[]> {
  const before = new Map(items.map(({ vault, item, commitment }) => [`${vault}/${item}`, commitment]));
  const left: ItemRef[] = [];
  for (const ref of refs) {
    const then = before.get(`${ref.vault}/${ref.item}`);
    const now = then === undefined ? undefined : await commitmentOf(session, ref);
    if (now === undefined || now === then) left.push(ref);
  }
  return left;
}

/** Undefined where the item is not sound, and says nothing of its key: what is wrong with it is said when it is rotated. */
async function commitmentOf({ workspace, trust }: Session, ref: ItemRef): Promise<string | undefined> {
  try {
    return (await readVerifiedItem(workspace, trust, ref))?.header.commitment;
  } catch (error) {
    if (!isVaultError(error)) throw error;
    return undefined;
  }
}
