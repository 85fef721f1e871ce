import { POLICY_PATH, type Rule } from '../rule.ts';

/**
 * Without a Version AWS reads a policy as of 2008-10-17, in which `${…}` is plain text and no policy variable.
 * @see https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_version.html
 */
export const missingVersion: Rule = {
  name: 'missing-version',
  check({ file }) {
    const { Version, Statement } = file.policy;
    if (Version === '2012-10-17') return [];
    const unexpanded = JSON.stringify(Statement).includes('${') ? ' This policy holds ${…}, which is plain text then.' : '';
    return Version === undefined
      ? [{
          severity: 'warning', path: POLICY_PATH,
          message: `the policy has no Version, so AWS reads it as one of 2008-10-17, without policy variables; add "Version": "2012-10-17".${unexpanded}`,
        }]
      : unexpanded === '' ? []
      : [{ severity: 'warning', path: [...POLICY_PATH, 'Version'], message: `version ${Version} knows no policy variables.${unexpanded}`, suggestion: '2012-10-17' }];
  },
};
