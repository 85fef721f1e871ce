import { textsOf } from '../../policyDocument.ts';
import type { Rule } from '../rule.ts';

/**
 * Allow with NotAction or NotResource allows all that is not named, what AWS adds tomorrow included.
 * @see https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_notaction.html
 */
export const allowNotAction: Rule = {
  name: 'allow-not-action',
  check({ statements }) {
    return statements.flatMap((at) => {
      if (at.statement.Effect !== 'Allow') return [];
      return (['NotAction', 'NotResource'] as const).flatMap((member) => {
        if (textsOf(at, member).length === 0) return [];
        const all = member === 'NotAction' ? 'every action of every service but those named' : 'every resource but those named';
        return [{
          severity: 'warning' as const, path: [...at.path, member],
          message: `Allow with ${member} allows ${all}, also those that AWS adds later.`,
        }];
      });
    });
  },
};
