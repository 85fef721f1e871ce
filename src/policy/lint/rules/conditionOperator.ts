import { quoted } from '../../../json/issueText.ts';
import { nearest } from '../../../json/validate.ts';
import type { Rule } from '../rule.ts';

/** @see https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html */
const OPERATORS: readonly string[] = [
  'StringEquals', 'StringNotEquals', 'StringEqualsIgnoreCase', 'StringNotEqualsIgnoreCase', 'StringLike', 'StringNotLike',
  'NumericEquals', 'NumericNotEquals', 'NumericLessThan', 'NumericLessThanEquals', 'NumericGreaterThan', 'NumericGreaterThanEquals',
  'DateEquals', 'DateNotEquals', 'DateLessThan', 'DateLessThanEquals', 'DateGreaterThan', 'DateGreaterThanEquals',
  'Bool', 'BinaryEquals', 'IpAddress', 'NotIpAddress', 'ArnEquals', 'ArnLike', 'ArnNotEquals', 'ArnNotLike', 'Null',
];

const KNOWN = new Set(OPERATORS.map((operator) => operator.toLowerCase()));

/** A Condition with an operator that IAM does not have. */
export const conditionOperator: Rule = {
  name: 'condition-operator',
  check({ statements }) {
    return statements.flatMap(({ statement, path }) =>
      Object.keys(statement.Condition ?? {}).flatMap((operator) => {
        const [, prefix = '', base = '', suffix = ''] = /^(For(?:All|Any)Values?:)?(.*?)(IfExists)?$/is.exec(operator) ?? [];
        const prefixKnown = prefix === '' || /^For(?:AllValues|AnyValue):$/i.test(prefix);
        if (prefixKnown && KNOWN.has(base.toLowerCase()) && !(suffix !== '' && base.toLowerCase() === 'null')) return [];
        const meant = nearest(base, OPERATORS);
        const prefixMeant = prefix === '' ? '' : /all/i.test(prefix) ? 'ForAllValues:' : 'ForAnyValue:';
        return [{
          severity: 'error' as const,
          path: [...path, 'Condition', operator],
          message: `${quoted(operator)} is no condition operator; there are ${OPERATORS.join(', ')}, with IfExists behind them (but not Null) and ForAllValues: or ForAnyValue: before them.`,
          suggestion: meant === undefined ? undefined : `${prefixMeant}${meant}${meant === 'Null' ? '' : suffix}`,
        }];
      }));
  },
};
