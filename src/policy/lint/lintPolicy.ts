import type { JsonDocument } from '../../json/parse.ts';
import { parseAction } from '../action.ts';
import type { IamFile } from '../iamFile.ts';
import { conditionsOf, statementsOf, textsOf, type StatementAt } from '../policyDocument.ts';
import { loadCatalogue } from './catalogue.ts';
import { findingOf, type Finding } from './finding.ts';
import { matchingActions } from './namedActions.ts';
import { reachOf } from './reach.ts';
import { remembered } from './remembered.ts';
import { POLICY_PATH, type LintContext, type Rule } from './rule.ts';
import { actionForm } from './rules/actionForm.ts';
import { allowNotAction } from './rules/allowNotAction.ts';
import { conditionKey } from './rules/conditionKey.ts';
import { conditionOperator } from './rules/conditionOperator.ts';
import { duplicateSid } from './rules/duplicateSid.ts';
import { missingVersion } from './rules/missingVersion.ts';
import { needsStarResource } from './rules/needsStarResource.ts';
import { policyCharacters } from './rules/policyCharacters.ts';
import { isHopelesslyLong, policySize } from './rules/policySize.ts';
import { resourceArn } from './rules/resourceArn.ts';
import { resourceService } from './rules/resourceService.ts';
import { resourceType } from './rules/resourceType.ts';
import { serviceWildcard } from './rules/serviceWildcard.ts';
import { sidCharacters } from './rules/sidCharacters.ts';
import { starOnStar } from './rules/starOnStar.ts';
import { unknownAction } from './rules/unknownAction.ts';
import { unknownService } from './rules/unknownService.ts';

/** Every rule; a finding names its rule by these names. */
export const RULES: readonly Rule[] = [
  policySize, policyCharacters, missingVersion, starOnStar, allowNotAction,
  actionForm, serviceWildcard, unknownService, unknownAction,
  resourceArn, resourceService, resourceType, needsStarResource,
  conditionOperator, conditionKey, duplicateSid, sidCharacters,
];

/**
 * Looks for what is wrong or surprising in a file's policy and in the actions of its policy_tests.
 * @returns findings in the order of the text, none where all is well; of a policy that is hopelessly long only that
 */
export async function lintPolicy(file: IamFile, document: JsonDocument): Promise<Finding[]> {
  const hopeless = isHopelesslyLong(file.policy);
  const context = await contextOf(file, hopeless ? [] : statementsOf(file.policy));
  return (hopeless ? [policySize] : RULES)
    .flatMap((rule) => rule.check(context).map((remark) => findingOf(rule.name, document, remark)))
    .sort((a, b) => a.line - b.line || a.column - b.column);
}

async function contextOf(file: IamFile, inPolicy: readonly StatementAt[]): Promise<LintContext> {
  const statements = inPolicy.map((at) => ({ ...at, path: [...POLICY_PATH, ...at.path] }));
  const actions = statements.flatMap((at) => [...textsOf(at, 'Action'), ...textsOf(at, 'NotAction')]);
  const named = [...actions.map((a) => a.text), ...file.policyTests.map((t) => t.action)];
  const catalogue = await loadCatalogue(
    named.flatMap((text) => parseAction(text)?.service ?? []),
    statements.flatMap((at) => conditionsOf(at).map(({ key }) => key)),
  );
  const matching = remembered((text) => matchingActions(catalogue, text));
  const reaches = new Map(statements.map((at) => [at.index, reachOf(at, matching)]));
  return {
    file, statements, actions, catalogue, matching,
    resources: statements.flatMap((at) => [...textsOf(at, 'Resource'), ...textsOf(at, 'NotResource')]),
    reachOf: (at) => reaches.get(at.index),
  };
}
