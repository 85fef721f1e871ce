import { identityKeyRule } from './identityKeyRule.ts';

/** Something that looks like a plaintext credential. Never the text itself. */
export interface PlaintextFinding {
  /** From 1. */
  readonly line: number;
  /** Rule and message of the scanner, as `aws/AWSSecretAccessKey`. */
  readonly rule: string;
}

const RULE_PREFIX = '@secretlint/secretlint-rule-';

/**
 * Access key ids are reported too: a secret in a form that no rule knows rarely stands without its id. Ids that are no
 * credentials (of users, groups, roles, policies, and account numbers) stand in policies and node attributes by right.
 */
const NO_CREDENTIALS = { allows: ['/^A(?:GP|ID|RO|IP|NP|NV)A/'], messageIds: ['AWSAccountID'] };

/** A text → its findings. */
export type FindPlaintext = (content: string) => Promise<PlaintextFinding[]>;

/** Loads the scanner, which nothing but this needs. */
export async function loadScanner(): Promise<FindPlaintext> {
  const [{ lintSource }, { creator: awsRule }, { creator: privateKeyRule }] = await Promise.all([
    import('@secretlint/core'), import('@secretlint/secretlint-rule-aws'), import('@secretlint/secretlint-rule-privatekey'),
  ]);
  const config = {
    rules: [
      { id: awsRule.meta.id, rule: awsRule, options: { enableIDScanRule: true, allows: NO_CREDENTIALS.allows }, allowMessageIds: NO_CREDENTIALS.messageIds },
      { id: privateKeyRule.meta.id, rule: privateKeyRule, options: {} },
      { id: identityKeyRule.meta.id, rule: identityKeyRule, options: {} },
    ],
  };
  return async (content) => {
    const { messages } = await lintSource({
      source: { filePath: 'text', ext: '', contentType: 'text', content },
      // The messages quote what was found, so they go no further than this function.
      options: { config, noPhysicFilePath: true, maskSecrets: true },
    });
    return messages.map(({ ruleId, messageId, loc }) => ({ line: loc.start.line, rule: `${ruleId.replace(RULE_PREFIX, '')}/${messageId}` }));
  };
}
