import { quoted } from '../../../json/issueText.ts';
import type { Rule } from '../rule.ts';

/** A Sid that holds more than letters and digits. @see https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_sid.html */
export const sidCharacters: Rule = {
  name: 'sid-characters',
  check({ statements }) {
    return statements.flatMap(({ statement: { Sid }, path }) => {
      if (Sid === undefined || /^[A-Za-z0-9]*$/.test(Sid)) return [];
      const meant = Sid.replace(/[^A-Za-z0-9]/g, '');
      return [{
        severity: 'error', path: [...path, 'Sid'],
        message: `found ${quoted(Sid)}; a Sid holds only the letters A to Z and a to z, and digits.`,
        suggestion: meant === '' ? undefined : meant,
      }];
    });
  },
};
