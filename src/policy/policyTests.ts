import { evaluatePolicy, type Decision, type Evaluation } from './evaluate.ts';
import type { IamFile, PolicyTest } from './iamFile.ts';

/** How one of the file's policy_tests came out. */
export interface TestResult {
  /** Position in policy_tests, from 0. */
  readonly index: number;
  readonly expect: 'allow' | 'deny';
  readonly action: string;
  readonly on: string;
  /** What the file's policy by itself says: managed policies and a permissions boundary are not looked at. */
  readonly decision: Decision;
  readonly pass: boolean;
  /** Position of the statement that decided, from 0. */
  readonly statement?: number;
  /** What was expected and what decided, in one sentence. */
  readonly message: string;
}

/**
 * Runs the file's policy_tests against its policy. A decision that depends on a Condition or a policy variable passes
 * neither kind of test: nothing was shown.
 */
export function runPolicyTests(file: IamFile): TestResult[] {
  return file.policyTests.map((test, index) => {
    const evaluation = evaluatePolicy(file.policy, { action: test.action, resource: test.on });
    const { decision, by } = evaluation;
    const pass = test.expect === 'allow' ? decision === 'allow' : decision === 'explicit-deny' || decision === 'implicit-deny';
    return {
      index, ...test, decision, pass,
      ...(by === undefined ? {} : { statement: by }),
      message: messageOf(test, evaluation),
    };
  });
}

function messageOf({ expect, action, on }: PolicyTest, { decision, by }: Evaluation): string {
  const statement = by === undefined ? 'no statement' : `statement ${String(by + 1)}`;
  const outcome: Record<Decision, string> = {
    allow: `${statement} allows it`,
    'explicit-deny': `${statement} denies it`,
    'implicit-deny': 'no statement allows it',
    depends: `it depends on the request: the Condition or a policy variable of ${statement} decides, and only AWS can tell`,
  };
  return `expected to ${expect} ${action} on ${on}: ${outcome[decision]}.`;
}
