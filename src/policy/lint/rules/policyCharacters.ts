import { POLICY_PATH, type Rule } from '../rule.ts';

/** Characters that IAM does not take in a policy document. @see PutGroupPolicy, PolicyDocument, in the IAM API Reference */
export const policyCharacters: Rule = {
  name: 'policy-characters',
  check({ file }) {
    const found = /[^\t\n\r\u0020-\u00ff]/u.exec(JSON.stringify(file.policy))?.[0];
    if (found === undefined) return [];
    const code = (found.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, '0');
    return [{ severity: 'error', path: POLICY_PATH, message: `the policy holds the character U+${code}; IAM takes only those up to U+00FF.` }];
  },
};
