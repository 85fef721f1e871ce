import type { Migration } from '../operations/migrate/migrateRepository.ts';
import { escapeForTerminal } from './escape.ts';
import type { Colors } from './output.ts';

/** What was moved from where to where. */
export function describeMigration({ from, to }: { readonly from: string; readonly to: string }, migration: Migration, colors: Colors): { json: object; text: string } {
  const { repository, fingerprint, rosters, items, inventory, proposals, joining, changed, left } = migration;
  return {
    json: { from, to, repository, fingerprint, rosters, items, inventory, proposals, ...(joining === undefined ? {} : { joining }), changed, left },
    text: [
      `${changed === 0 ? 'There already:' : colors.green('Copied')} the repository in ${escapeForTerminal(from)} ${changed === 0 ? 'is in' : 'to'} ${escapeForTerminal(to)}`,
      `  items      ${String(items)}`,
      `  inventory  ${String(inventory)} documents`,
      `  roster     ${String(rosters)} ${rosters === 1 ? 'version' : 'versions'}, ${fingerprint}`,
      ...(proposals === 0 ? [] : [`  proposals  ${String(proposals)}`]),
      ...(joining === undefined ? [] : [`  joining    ${joining.moved ? '' : 'left: '}${String(joining.invitations)} invitations, ${String(joining.requests)} requests, ${String(joining.admissions)} admissions`]),
      ...(left.length === 0 ? [] : [`  left       ${left.map(({ vault, item }) => escapeForTerminal(`${vault}/${item}`)).join(', ')}: no vault's`]),
    ].join('\n'),
  };
}
