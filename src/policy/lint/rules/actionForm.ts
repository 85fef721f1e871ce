import { quoted } from '../../../json/issueText.ts';
import { parseAction } from '../../action.ts';
import type { Rule } from '../rule.ts';

/** An action that is not `service:Name`, which IAM refuses. */
export const actionForm: Rule = {
  name: 'action-form',
  check({ actions }) {
    return actions.flatMap(({ text, path }) => {
      if (/^\*+$/.test(text) || parseAction(text) !== undefined) return [];
      return [{
        severity: 'error', path,
        message: `found ${quoted(text)}; an action is a service's prefix, a colon and a name, like s3:GetObject or s3:Get*, or * alone.`,
      }];
    });
  },
};
