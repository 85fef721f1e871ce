import type { PartyEviction } from '../operations/evictParty.ts';
import type { Exposure } from '../operations/items/exposure.ts';
import pc from 'picocolors';
import { escapeForTerminal } from './escape.ts';
import { itemChangesAsJson, renderItemChanges } from './itemChanges.ts';
import type { Output } from './output.ts';
import { describeOutcome } from './proposals.ts';
import { renderTable } from './table.ts';

/** The shape of `evict --json`. */
export function evictionAsJson({ party: { role, name }, items, aliases, exposure, unknown, roster }: PartyEviction): object {
  return {
    party: { role, name }, ...itemChangesAsJson(items), aliases,
    exposed: exposure.map(({ vault, item, first, last, incomplete, fields }) => ({ vault, item, first, last, incomplete, fields })),
    unknown_generations: unknown,
    ...(roster === undefined ? {} : { roster: describeOutcome(roster, pc.createColors(false)).json }),
  };
}

/**
 * What is done to the items, and then what must be changed at its source.
 * @param part `outcome` leaves out what could be read, where it was shown before
 */
export function renderEviction({ party, items, aliases, exposure, unknown, roster }: PartyEviction, output: Pick<Output, 'colors' | 'width'>, done: boolean, part: 'all' | 'outcome' = 'all'): string {
  const { colors } = output;
  const name = escapeForTerminal(party.name);
  return [
    renderItemChanges(items, colors, done),
    ...(aliases.length === 0 ? [] : [colors.yellow(`The same key opens items as ${aliases.map((each) => escapeForTerminal(each)).join(', ')} still: evict ${aliases.length === 1 ? 'that' : 'those'} too.`)]),
    ...(party.role === 'client' && party.isListed ? [done ? `Removed nodes/${name}.json and clients/${name}.json.` : `nodes/${name}.json and clients/${name}.json would be removed.`] : []),
    ...(part === 'outcome' ? [] : exposure.length === 0 ? [`No generation that is here or in git's history is sealed to ${name}.`] : [
      '', colors.bold(`${name} could read these: change them at their source, then store them with "vault update" or "vault create iam".`),
      renderTable([{ title: 'VAULT', least: 8 }, { title: 'ITEM', least: 16 }, { title: 'FIELD', least: 12 }, { title: 'GENERATIONS' }], exposure.flatMap(rowsOf), output),
    ]),
    ...(part === 'outcome' || unknown.length === 0 ? [] : [colors.yellow(`In no commit, so that nobody can tell whether ${name} could read them: ${unknown.map(({ vault, item, ranges }) => `${vault}/${item} ${ranges.length === 1 && ranges[0]?.first === ranges[0]?.last ? 'generation' : 'generations'} ${ranges.map(rangeOf).join(', ')}`).join('; ')}.`)]),
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
