import { quoted } from '../../../json/issueText.ts';
import type { Rule } from '../rule.ts';

/** An action that is on no particular resource, in a statement that does not have `*` as its Resource: it does nothing. */
export const needsStarResource: Rule = {
  name: 'needs-star-resource',
  check({ statements, reachOf }) {
    return statements.flatMap((at) =>
      (reachOf(at)?.actions ?? [])
        .filter(({ formats }) => formats.size === 0)
        .map(({ text, path }) => ({
          severity: 'warning' as const, path,
          message: `${quoted(text)} is on no particular resource, so it does nothing unless the Resource is "*"; give it a statement of its own.`,
        })));
  },
};
