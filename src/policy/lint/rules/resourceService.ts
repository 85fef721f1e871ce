import { quoted } from '../../../json/issueText.ts';
import type { Remark } from '../finding.ts';
import type { Rule } from '../rule.ts';

/** A resource of another service than the statement's actions are on, or an action that none of its resources is for. */
export const resourceService: Rule = {
  name: 'resource-service',
  check({ statements, reachOf }) {
    return statements.flatMap((at): Remark[] => {
      const reach = reachOf(at);
      if (reach === undefined) return [];
      // What takes only `*` is needsStarResource's.
      const actions = reach.actions.filter((action) => action.formats.size > 0);
      if (actions.length === 0) return [];
      const strangers = reach.resources.filter((resource) => !actions.some((action) => reach.sameService(action, resource)));
      // Where every resource is of another service, one remark on each says all; the actions are then not to blame.
      const idle = strangers.length === reach.resources.length ? []
        : actions.filter((action) => !reach.resources.some((resource) => reach.sameService(action, resource)));
      return [
        ...strangers.map(({ text, path }): Remark => ({
          severity: 'error', path,
          message: `${quoted(text)} is of another service than the actions of this statement, so they do nothing on it.`,
        })),
        ...idle.map(({ text, path }): Remark => ({
          severity: 'error', path,
          message: `${quoted(text)} is on no resource of this statement: all of them are of other services.`,
        })),
      ];
    });
  },
};
