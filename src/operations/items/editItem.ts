import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { isVaultError, VaultError } from '../../errors.ts';
import { readRegularFile } from '../../files/read.ts';
import type { Scratch } from '../../files/scratch.ts';
import { createFile, removeFile } from '../../files/write.ts';
import { equalBytes } from '../../sealing/encoding.ts';
import type { ItemRef } from '../../sealing/dataKey.ts';
import { openThrough, readItem } from '../openItem.ts';
import { changeItem, planChange, type Intent, type PlannedChange, type Session } from './changeItem.ts';
import { draftName, draftOf, draftText, encodeDraft, mergeFields, parseDraft, readDraft, type Draft, type Fields } from './draft.ts';
import { refuseAudience } from './groups.ts';

/** The person who edits. */
export interface Desk {
  /** Lets them change the file. @throws VaultError editor-missing, interrupted */
  edit(path: string): Promise<void>;
  /** Tells them what is wrong with it, and asks whether they want to edit it again. */
  again(problem: VaultError): Promise<boolean>;
  /** Shows them what would be done. @throws VaultError confirmation-needed; interrupted where they say no */
  agree(plan: PlannedChange): Promise<void>;
}

const MAX_TEXT_BYTES = 32 << 20;

/** Lies beside an edit that is kept. */
const STATE = '.vault-edit.json';

/**
 * The values to edit.
 * @throws VaultError field-not-found, and what reading, opening and planning a change throw: before somebody takes the trouble
 */
export async function startDraft(session: Session, { vault, item }: ItemRef, field: string | undefined): Promise<Draft> {
  const ref: ItemRef = { vault, item };
  const { verified } = await readItem(session.workspace, ref);
  await planChange(session, ref, { rotate: true });
  refuseAudience(ref);
  const audience = await session.groups.of(verified);
  const { identity, name } = session.signer;
  const open = openThrough(verified, audience, identity, name);
  try {
    return draftOf(ref, field, field === undefined ? open.all() : { [field]: open.field(field) });
  } finally {
    open.wipe();
  }
}

/** An edit that was kept. @throws VaultError input-* */
export async function resumeDraft({ path }: Scratch): Promise<Draft> {
  const source = join(path, STATE);
  const file = await readRegularFile(source, { maxBytes: MAX_TEXT_BYTES });
  if (file === undefined) throw new VaultError('input-unreadable', `${path} holds no kept edit.`, { details: { path } });
  return parseDraft(file.bytes, source);
}

/**
 * Lets a person edit an item, and applies what they changed, field by field, to the item as it then is. An edit that cannot be used
 * is kept where it is.
 * @returns undefined where nothing was changed
 * @throws VaultError store-conflict where somebody else changed the same field, input-*, name-invalid, interrupted, confirmation-needed,
 *   each with `details.kept`, the path of the edit; and what {@link changeItem} throws
 */
export async function editItem(session: Session, draft: Draft, scratch: Scratch, desk: Desk): Promise<PlannedChange | undefined> {
  const path = join(scratch.path, draftName(draft));
  const original = draftText(draft);
  await createFile(path, original, { mode: 0o600 });
  const mine = await edited(draft, path, original, scratch, desk);
  if (isDeepStrictEqual(mine, draft.base)) return undefined;

  let merged: Fields | undefined;
  let newest: Fields = draft.base;
  const intent: Intent = {
    fields: (open) => {
      newest = open.all();
      const { fields, conflicts } = mergeFields(draft.base, mine, newest);
      merged = fields;
      if (conflicts.length > 0) throw conflict(draft, conflicts);
      return fields;
    },
  };
  try {
    const plan = await planChange(session, draft, intent);
    if (plan.action === 'unchanged') return plan;
    await desk.agree(plan);
    return await changeItem(session, draft, intent, plan);
  } catch (error) {
    if (!isVaultError(error, 'store-conflict', 'interrupted', 'confirmation-needed')) throw error;
    // From here on the edit starts from what the other one made of it: who goes on has seen that.
    const only = (fields: Fields): Fields => (draft.field === undefined ? fields : Object.fromEntries(Object.entries(fields).filter(([name]) => name === draft.field)));
    throw await kept(error, { ...draft, base: only(newest) }, only(merged ?? mine), path, scratch);
  }
}

/** What the person made of it: asked until it can be used, or they give up. */
async function edited(draft: Draft, path: string, original: Uint8Array, scratch: Scratch, desk: Desk): Promise<Fields> {
  for (;;) {
    await desk.edit(path);
    const file = await readRegularFile(path, { maxBytes: MAX_TEXT_BYTES });
    if (file === undefined) throw new VaultError('interrupted', 'The edited file is gone: nothing was changed.');
    if (equalBytes(file.bytes, original)) return draft.base;
    try {
      return readDraft(draft, file.bytes);
    } catch (error) {
      if (!isVaultError(error)) throw error;
      if (!await desk.again(error)) throw await kept(error, draft, undefined, path, scratch);
    }
  }
}

/** @param values what the text becomes; undefined leaves it as it is */
async function kept(error: VaultError, draft: Draft, values: Fields | undefined, path: string, scratch: Scratch): Promise<VaultError> {
  await writeOver(join(scratch.path, STATE), encodeDraft(draft));
  if (values !== undefined) await writeOver(path, draftText(draft, values));
  scratch.keep();
  const hint = `Go on with "vault edit --resume ${path}", or throw it away with "rm -r ${scratch.path}".`;
  return new VaultError(error.code, `${error.message}\nThe edit is kept at ${path}. ${hint}`, {
    ...(error.hint === undefined ? {} : { hint: error.hint }), details: { ...error.details, kept: path }, cause: error,
  });
}

/** In a directory of our own nobody else is in the way. */
async function writeOver(path: string, bytes: Uint8Array): Promise<void> {
  await removeFile(path);
  await createFile(path, bytes, { mode: 0o600 });
}

function conflict({ vault, item }: ItemRef, fields: readonly string[]): VaultError {
  return new VaultError('store-conflict', `Somebody else changed ${fields.join(', ')} of ${vault}/${item} meanwhile, in another way.`, {
    hint: `See what is there now with "vault show ${vault} ${item} --values": the kept edit would replace it.`, details: { vault, item, fields },
  });
}
