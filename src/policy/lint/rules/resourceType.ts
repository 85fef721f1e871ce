import { quoted } from '../../../json/issueText.ts';
import type { ReachingAction } from '../reach.ts';
import type { Remark } from '../finding.ts';
import type { Rule } from '../rule.ts';

const EXAMPLES_MAX = 3;

/** An action on resources of its service, but none of a type that it can be on: s3:GetObject on a bucket, say. */
export const resourceType: Rule = {
  name: 'resource-type',
  check({ statements, reachOf }) {
    return statements.flatMap((at): Remark[] => {
      const reach = reachOf(at);
      if (reach === undefined) return [];
      const idle = reach.actions.filter((action) =>
        reach.resources.some((resource) => reach.sameService(action, resource))
        && !reach.resources.some((resource) => reach.sameType(action, resource)));
      const unused = reach.resources.filter((resource) => {
        const same = reach.actions.filter((action) => reach.sameService(action, resource));
        // Where all actions of its service are idle, they have been named.
        return same.some((action) => !idle.includes(action)) && !same.some((action) => reach.sameType(action, resource));
      });
      return [
        ...idle.map((action): Remark => ({
          severity: 'warning', path: action.path,
          message: `${quoted(action.text)} can be on no resource of this statement; it is on ${examples(action)}.`,
        })),
        ...unused.map(({ text, path }): Remark => ({
          severity: 'warning', path,
          message: `no action of this statement can be on ${quoted(text)}.`,
        })),
      ];
    });
  },
};

function examples({ formats }: ReachingAction): string {
  const list = [...formats].slice(0, EXAMPLES_MAX).join(', ');
  return formats.size > EXAMPLES_MAX ? `${list} and others` : list;
}
