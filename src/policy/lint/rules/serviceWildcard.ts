import { quoted } from '../../../json/issueText.ts';
import { parseAction } from '../../action.ts';
import { parseArnPattern } from '../../arn.ts';
import { hasWildcard } from '../../glob.ts';
import type { Rule } from '../rule.ts';

/**
 * A wildcard where the service is named, in an action or in an ARN: AWS takes none there.
 * @see https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_resource.html
 */
export const serviceWildcard: Rule = {
  name: 'service-wildcard',
  check({ actions, resources }) {
    return [
      ...actions.filter(({ text }) => hasWildcard(parseAction(text)?.service ?? '')),
      ...resources.filter(({ text }) => hasWildcard(parseArnPattern(text)?.service ?? '')),
    ].map(({ text, path }) => ({
      severity: 'error', path,
      message: `found ${quoted(text)}; the service must be named in full, without * and ?.`,
    }));
  },
};
