import { textsOf } from '../../policyDocument.ts';
import type { Rule } from '../rule.ts';

/** A statement that allows everything on everything: an administrator, whose key would be on machines outside AWS. */
export const starOnStar: Rule = {
  name: 'star-on-star',
  check({ statements }) {
    return statements.flatMap((at) => {
      const { statement } = at;
      const action = textsOf(at, 'Action').find(({ text }) => /^\*+$|^\*+:\*+$/.test(text));
      const resource = textsOf(at, 'Resource').find(({ text }) => /^\*+$|^arn:\*(?::\*)*$/.test(text));
      if (statement.Effect !== 'Allow' || action === undefined || resource === undefined) return [];
      const conditional = Object.keys(statement.Condition ?? {}).length > 0;
      return [{
        severity: conditional ? 'warning' : 'error',
        path: action.path,
        message: `this allows every action on every resource${conditional ? ' where its Condition holds' : ''}; name the actions or the resources that are needed.`,
      }];
    });
  },
};
