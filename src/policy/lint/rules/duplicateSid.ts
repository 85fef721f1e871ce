import { quoted } from '../../../json/issueText.ts';
import type { Rule } from '../rule.ts';

/** Two statements with one Sid, which IAM refuses. @see https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_sid.html */
export const duplicateSid: Rule = {
  name: 'duplicate-sid',
  check({ statements }) {
    const first = new Map<string, number>();
    return statements.flatMap(({ statement: { Sid }, index, path }) => {
      if (Sid === undefined || Sid === '') return [];
      const before = first.get(Sid);
      if (before !== undefined) {
        return [{ severity: 'error' as const, path: [...path, 'Sid'], message: `statement ${String(before + 1)} has the Sid ${quoted(Sid)} too; each Sid may stand once.` }];
      }
      first.set(Sid, index);
      return [];
    });
  },
};
