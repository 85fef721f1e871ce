import { quoted } from '../../../json/issueText.ts';
import { nearest } from '../../../json/validate.ts';
import { parseAction } from '../../action.ts';
import { hasWildcard } from '../../glob.ts';
import { namedActions } from '../namedActions.ts';
import type { Rule } from '../rule.ts';

/** An action, of the policy or of a policy test, of a service that AWS does not have. */
export const unknownService: Rule = {
  name: 'unknown-service',
  check(context) {
    const { catalogue } = context;
    return namedActions(context).flatMap(({ text, path }) => {
      const service = parseAction(text)?.service;
      if (service === undefined || hasWildcard(service) || catalogue.actionsOf(service) !== undefined) return [];
      return [{
        severity: 'error', path,
        message: `no service has the prefix ${quoted(service)} (as of ${catalogue.updated}).`,
        suggestion: nearest(service, catalogue.services),
      }];
    });
  },
};
