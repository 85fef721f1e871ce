import { quoted } from '../../../json/issueText.ts';
import { nearest } from '../../../json/validate.ts';
import { parseAction } from '../../action.ts';
import { hasWildcard } from '../../glob.ts';
import type { CatalogueAction } from '../catalogue.ts';
import { namedActions } from '../namedActions.ts';
import type { Rule } from '../rule.ts';

/** An action, of the policy or of a policy test, that its service does not have, or a wildcard that matches none. */
export const unknownAction: Rule = {
  name: 'unknown-action',
  check(context) {
    const { catalogue, matching } = context;
    return namedActions(context).flatMap(({ text, path }) => {
      const action = parseAction(text);
      if (action === undefined || matching(text)?.length !== 0) return [];
      const known = catalogue.actionsOf(action.service) ?? [];
      const name = hasWildcard(action.name) ? nearestPattern(action.name, known) : nearest(action.name, known.map((k) => k.name));
      return [{
        severity: 'error', path,
        message: `${quoted(text)} ${hasWildcard(action.name) ? 'matches no action' : 'is no action'} of ${action.service} (as of ${catalogue.updated}).`,
        suggestion: name === undefined ? undefined : `${action.service}:${name}`,
      }];
    });
  },
};

/** `Lits*` as `List*`: what stands before the first wildcard, put right by the words that names of actions begin with. */
function nearestPattern(pattern: string, known: readonly CatalogueAction[]): string | undefined {
  const start = /^[^*?]*/.exec(pattern)?.[0] ?? '';
  const beginnings = known.flatMap(({ name }) => {
    const words = name.split(/(?<=[a-z0-9])(?=[A-Z])/);
    return words.map((_, i) => words.slice(0, i + 1).join(''));
  });
  const meant = nearest(start, new Set(beginnings));
  return meant === undefined ? undefined : meant + pattern.slice(start.length);
}
