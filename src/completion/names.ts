import { nameProblem } from '../names.ts';
import type { Store } from '../stores/store.ts';
import type { NameOf } from './commandLine.ts';

/**
 * Names in a repository, sorted. Nothing is verified: it is a person who presses a key, waits, and then reads what stands there;
 * the command that is run with a name verifies what it does. What breaks the rule of names is left out, so nothing here can do
 * anything to a shell or a terminal.
 */
export async function namesOf(store: Store, of: NameOf, given: Readonly<Record<string, string>>): Promise<string[]> {
  const { vault, item } = given;
  switch (of) {
    case 'vault':
      return [...new Set((await store.listItems()).map((ref) => ref.vault))];
    case 'item':
      return vault === undefined ? [] : (await store.listItems(vault)).map((ref) => ref.item);
    case 'field':
      return vault === undefined || item === undefined ? [] : fieldsOf((await store.readRaw({ vault, item })).item);
    case 'node':
      return await store.listInventoryNames('nodes');
    case 'admin':
      return await store.listInventoryNames('users');
    case 'role':
      return await store.listInventoryNames('roles');
    case 'party':
      return [...await store.listInventoryNames('nodes'), ...await store.listInventoryNames('users')];
  }
}

function fieldsOf(item: Uint8Array | undefined): string[] {
  const document: unknown = JSON.parse(new TextDecoder().decode(item));
  if (typeof document !== 'object' || document === null || !('fields' in document)) return [];
  return Object.keys(document.fields ?? {}).filter((name) => nameProblem('field', name) === undefined);
}
