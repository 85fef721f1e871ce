import type { PartyEviction } from '../operations/evictParty.ts';
import type { Exposure } from '../operations/items/exposure.ts';
import pc from 'picocolors';
import { escapeForTerminal } from './escape.ts';
import { itemChangesAsJson, renderItemChanges } from './itemChanges.ts';
import type { Output } from './output.ts';
import { describeOutcome } from './proposals.ts';
import { renderTable } from './table.ts';

/** The shape of `evict --json`. */
export function evictionAsJson({ party: { role, name }, items, aliases, exposure, roster }: PartyEviction): object {
  return {
    party: { role, name }, ...itemChangesAsJson(items), aliases,
    exposed: exposure.map(({ vault, item, first, last, incomplete, fields }) => ({ vault, item, first, last, incomplete, fields })),
    ...(roster === undefined ? {} : { roster: describeOutcome(roster, pc.createColors(false)).json }),
  };
}

/** What is done to the items, and then what must be changed at its source. */
export function renderEviction({ party, items, aliases, exposure, roster }: PartyEviction, output: Pick<Output, 'colors' | 'width'>, done: boolean): string {
  const { colors } = output;
  const name = escapeForTerminal(party.name);
  return [
    renderItemChanges(items, colors, done),
    ...(aliases.length === 0 ? [] : [colors.yellow(`The same key opens items as ${aliases.map((each) => escapeForTerminal(each)).join(', ')} still: evict ${aliases.length === 1 ? 'that' : 'those'} too.`)]),
    ...(exposure.length === 0 ? [`${name} could never read anything here.`] : [
      '', colors.bold(`${name} could read these: change them at their source, then store them with "vault update" or "vault create iam".`),
      renderTable([{ title: 'VAULT', least: 8 }, { title: 'ITEM', least: 16 }, { title: 'FIELD', least: 12 }, { title: 'GENERATIONS' }], exposure.flatMap(rowsOf), output),
    ]),
    ...(roster === undefined ? [] : ['', describeOutcome(roster, colors).text]),
  ].join('\n');
}

function rowsOf({ vault, item, first, last, incomplete, fields }: Exposure): string[][] {
  const rows = fields.map((field) => [vault, item, field.name, rangeOf(field)]);
  return incomplete ? [...rows, [vault, item, '(not known: the item is lost)', rangeOf({ first, last })]] : rows;
}

function rangeOf({ first, last }: { readonly first: number; readonly last: number }): string {
  return first === last ? String(first) : `${String(first)} to ${String(last)}`;
}
