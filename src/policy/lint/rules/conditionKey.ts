import { quoted } from '../../../json/issueText.ts';
import { conditionsOf } from '../../policyDocument.ts';
import type { Rule } from '../rule.ts';

/** A Condition on a key that no service is known to set, so that it is never there. */
export const conditionKey: Rule = {
  name: 'condition-key',
  check({ statements, catalogue }) {
    return statements.flatMap((at) => conditionsOf(at).flatMap(({ key, path }) =>
      (catalogue.knowsConditionKey(key) ? [] : [{
        severity: 'warning' as const, path,
        message: `no condition key ${quoted(key)} is known (as of ${catalogue.updated}); a key that is absent decides the Condition, whatever its value.`,
      }])));
  },
};
