import { actionSteps } from './action.ts';
import { hasVariable, resourceSteps } from './arn.ts';
import { globMatches } from './glob.ts';
import { statementsOf, textsOf, type PolicyDocument, type StatementAt } from './policyDocument.ts';

/** What a request asks for. */
export interface PolicyRequest {
  /** One action, `service:Name`. */
  readonly action: string;
  /** One ARN, or `*` for an action that is on no resource. */
  readonly resource: string;
}

/**
 * What the policy by itself says. `depends`: a Condition or a policy variable, which only a real request settles,
 * decides between allowing and refusing.
 */
export type Decision = 'allow' | 'explicit-deny' | 'implicit-deny' | 'depends';

export interface Evaluation {
  readonly decision: Decision;
  /** Position of the statement that decided, from 0; none where no statement applies. */
  readonly by?: number;
}

/** Three-valued: a statement applies, does not, or only a real request tells. */
type Answer = 'yes' | 'no' | 'maybe';

/**
 * Evaluates one identity policy alone: not the account's other policies, a permissions boundary, or a resource's own
 * policy, each of which can change what AWS answers in the end. A statement that denies wins over all that allow;
 * without one that allows, the answer is no.
 * @see https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic.html
 */
export function evaluatePolicy(policy: PolicyDocument, request: PolicyRequest): Evaluation {
  // Before 2012-10-17 there were no policy variables: `${…}` is plain text.
  const variables = policy.Version === '2012-10-17' ? 'expanded' : 'plain';
  const found: Partial<Record<`${'Allow' | 'Deny'} ${Answer}`, number>> = {};
  for (const at of statementsOf(policy)) {
    found[`${at.statement.Effect} ${applies(at, request, variables)}`] ??= at.index;
  }
  const denies = found['Deny yes'];
  if (denies !== undefined) return { decision: 'explicit-deny', by: denies };
  const allows = found['Allow yes'];
  const mayDeny = found['Deny maybe'];
  if (allows !== undefined) return mayDeny === undefined ? { decision: 'allow', by: allows } : { decision: 'depends', by: mayDeny };
  const mayAllow = found['Allow maybe'];
  // A Deny that may apply changes nothing where nothing can allow.
  return mayAllow === undefined ? { decision: 'implicit-deny' } : { decision: 'depends', by: mayAllow };
}

function applies(at: StatementAt, { action, resource }: PolicyRequest, variables: 'expanded' | 'plain'): Answer {
  const matchesAction = (member: 'Action' | 'NotAction'): Answer =>
    any(textsOf(at, member).map(({ text }) => (globMatches(actionSteps(text), action.toLowerCase()) ? 'yes' : 'no')));
  const matchesResource = (member: 'Resource' | 'NotResource'): Answer =>
    any(textsOf(at, member).map(({ text }) => {
      if (!globMatches(resourceSteps(text, variables), resource)) return 'no';
      return variables === 'expanded' && hasVariable(text) ? 'maybe' : 'yes';
    }));
  const { statement } = at;
  return all([
    statement.Action === undefined ? not(matchesAction('NotAction')) : matchesAction('Action'),
    statement.Resource === undefined ? not(matchesResource('NotResource')) : matchesResource('Resource'),
    Object.keys(statement.Condition ?? {}).length === 0 ? 'yes' : 'maybe',
  ]);
}

function any(answers: readonly Answer[]): Answer {
  return answers.includes('yes') ? 'yes' : answers.includes('maybe') ? 'maybe' : 'no';
}

function all(answers: readonly Answer[]): Answer {
  return answers.includes('no') ? 'no' : answers.includes('maybe') ? 'maybe' : 'yes';
}

function not(answer: Answer): Answer {
  return answer === 'yes' ? 'no' : answer === 'no' ? 'yes' : 'maybe';
}
