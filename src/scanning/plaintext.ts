import { identityKeyRule } from './identityKeyRule.ts';

/** Something that looks like a plaintext credential. Never the text itself. */
export interface PlaintextFinding {
  /** From 1. */
  readonly line: number;
  /** Rule and message of the scanner, as `aws/AWSSecretAccessKey`. */
  readonly rule: string;
}

const RULE_PREFIX = '@secretlint/secretlint-rule-';

/** What a rule is applied by. */
type Context = Parameters<(typeof identityKeyRule)['create']>[0];
type Handler = ReturnType<(typeof identityKeyRule)['create']>;

/**
 * Access key ids are reported too: a secret in a form that no rule knows rarely stands without its id. Ids that are no
 * credentials (of users, groups, roles, policies, and account numbers) stand in policies and node attributes by right.
 */
const AWS_OPTIONS = { enableIDScanRule: true, allows: ['/^A(?:GP|ID|RO|IP|NP|NV)A/'] };
const NO_CREDENTIALS = 'AWSAccountID';

/** A text → its findings, in its order. */
export type FindPlaintext = (content: string) => Promise<PlaintextFinding[]>;

/** Loads the scanner's rules, which nothing but this needs. */
export async function loadScanner(): Promise<FindPlaintext> {
  const [{ creator: awsRule }, { creator: privateKeyRule }] = await Promise.all([import('@secretlint/secretlint-rule-aws'), import('@secretlint/secretlint-rule-privatekey')]);
  return async (content) => {
    const found = [...await apply(awsRule, AWS_OPTIONS, content), ...await apply(privateKeyRule, {}, content), ...await apply(identityKeyRule, {}, content)];
    const lineOf = lineCounter(content);
    return found.filter(({ messageId }) => messageId !== NO_CREDENTIALS).sort((a, b) => a.at - b.at)
      .map(({ at, ruleId, messageId }) => ({ line: lineOf(at), rule: `${ruleId.replace(RULE_PREFIX, '')}/${messageId}` }));
  };
}

interface Match {
  readonly at: number;
  readonly ruleId: string;
  readonly messageId: string;
}

/**
 * Applies one rule, as secretlint's core does. That itself keeps a record of every text for its profiler, and searches all of it at the next:
 * its time grows with the square of the number of files. Messages, which would quote what was found, are not made here at all.
 */
async function apply<Options>(rule: { readonly meta: { readonly id: string }; readonly create: (context: Context, options: Options) => Handler }, options: Options, content: string): Promise<Match[]> {
  const matches: Match[] = [];
  const handler = rule.create({
    sharedOptions: {},
    createTranslator: () => (messageId) => ({ message: '', messageId: String(messageId), data: undefined }),
    report: ({ range: [at], message: { messageId } }) => { matches.push({ at, ruleId: rule.meta.id, messageId }); },
    ignore: () => undefined,
  }, options);
  await handler.file?.({ content, contentType: 'text' } as Parameters<NonNullable<Handler['file']>>[0]);
  return matches;
}

/** The line of a place; places must be asked for in their order. */
function lineCounter(content: string): (at: number) => number {
  let line = 1;
  let next = content.indexOf('\n');
  return (at) => {
    for (; next !== -1 && next < at; next = content.indexOf('\n', next + 1)) line++;
    return line;
  };
}
