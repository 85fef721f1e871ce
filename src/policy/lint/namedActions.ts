import { actionSteps, parseAction } from '../action.ts';
import { globMatches } from '../glob.ts';
import type { TextAt } from '../policyDocument.ts';
import type { Catalogue, CatalogueAction } from './catalogue.ts';
import type { LintContext } from './rule.ts';

/** The actions of the policy, and of its tests: a test of an action that does not exist would always find it denied. */
export function namedActions({ file, actions }: LintContext): TextAt[] {
  return [
    ...actions,
    ...file.policyTests.map(({ expect, action }, i) => ({ text: action, path: ['policy_tests', i, expect] })),
  ];
}

/** The actions that `text`, with or without wildcards, stands for; undefined where its service is unknown or not named. */
export function matchingActions(catalogue: Catalogue, text: string): readonly CatalogueAction[] | undefined {
  const action = parseAction(text);
  const known = action === undefined ? undefined : catalogue.actionsOf(action.service);
  if (action === undefined || known === undefined) return undefined;
  const steps = actionSteps(action.name);
  return known.filter(({ name }) => globMatches(steps, name.toLowerCase()));
}
