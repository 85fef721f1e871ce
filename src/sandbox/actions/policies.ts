import * as z from 'zod';
import { ApiError, noSuchEntity } from '../apiError.ts';
import { checkPolicyDocument, policySize } from '../policyDocument.ts';
import { element, list } from '../protocol.ts';
import { percentEncode } from '../signature.ts';
import { findGroup, page, type Account } from '../state.ts';
import { command, query, type Action } from './action.ts';
import { groupName, paging, pathPrefix, policyArn, policyDocument, policyName, truncation } from './parameters.ts';

const POLICY_ARN = /^arn:aws:iam::(aws|[0-9]{12}):policy\/([\u0021-\u007E]+\/)?([\w+=,.@-]{1,128})$/;

/**
 * The sandbox has no managed policies of its own: every one of AWS's and of this account counts as existing.
 * @throws ApiError InvalidInput for what is no ARN of a policy, NoSuchEntity for another account's
 */
export function checkManagedPolicy(account: Account, arn: string): void {
  const owner = POLICY_ARN.exec(arn)?.[1];
  if (owner === undefined) throw new ApiError('InvalidInput', `ARN ${arn} is not valid.`);
  if (owner !== 'aws' && owner !== account.id) throw noSuchEntity('policy', arn);
}

const nameOfPolicy = (arn: string): string => arn.slice(arn.lastIndexOf('/') + 1);
const pathOfPolicy = (arn: string): string => arn.slice(arn.indexOf('/'), arn.lastIndexOf('/') + 1);

export const policyActions: readonly Action[] = [
  command(
    'PutGroupPolicy',
    z.object({ GroupName: groupName, PolicyName: policyName, PolicyDocument: policyDocument }),
    ({ account, limits }, input) => {
      const group = findGroup(account, input.GroupName);
      checkPolicyDocument(input.PolicyDocument);
      const others = [...group.inlinePolicies].filter(([name]) => name !== input.PolicyName);
      const size = others.reduce((sum, [, document]) => sum + policySize(document), policySize(input.PolicyDocument));
      if (size > limits.inlinePolicyCharactersPerGroup) {
        throw new ApiError(
          'LimitExceeded',
          `Maximum policy size of ${String(limits.inlinePolicyCharactersPerGroup)} bytes exceeded for group ${group.name}`,
        );
      }
      group.inlinePolicies.set(input.PolicyName, input.PolicyDocument);
    },
  ),

  query('GetGroupPolicy', z.object({ GroupName: groupName, PolicyName: policyName }), ({ account }, input) => {
    const group = findGroup(account, input.GroupName);
    const document = group.inlinePolicies.get(input.PolicyName);
    if (document === undefined) throw noSuchEntity('policy', input.PolicyName);
    return [
      element('GroupName', group.name),
      element('PolicyName', input.PolicyName),
      // URL-encoded as RFC 3986 has it: https://docs.aws.amazon.com/IAM/latest/APIReference/API_GetGroupPolicy.html
      element('PolicyDocument', percentEncode(document)),
    ];
  }),

  query('ListGroupPolicies', z.object({ GroupName: groupName, ...paging }), ({ account }, input) => {
    const group = findGroup(account, input.GroupName);
    const { items, marker } = page([...group.inlinePolicies.keys()], (name) => name, input);
    return [list('PolicyNames', items), ...truncation(marker)];
  }),

  command('DeleteGroupPolicy', z.object({ GroupName: groupName, PolicyName: policyName }), ({ account }, input) => {
    const group = findGroup(account, input.GroupName);
    if (!group.inlinePolicies.delete(input.PolicyName)) throw noSuchEntity('policy', input.PolicyName);
  }),

  command('AttachGroupPolicy', z.object({ GroupName: groupName, PolicyArn: policyArn }), ({ account, limits }, input) => {
    const group = findGroup(account, input.GroupName);
    checkManagedPolicy(account, input.PolicyArn);
    if (group.attachedPolicies.has(input.PolicyArn)) return;
    if (group.attachedPolicies.size >= limits.attachedPoliciesPerGroup) {
      throw new ApiError('LimitExceeded', `Cannot exceed quota for PoliciesPerGroup: ${String(limits.attachedPoliciesPerGroup)}`);
    }
    group.attachedPolicies.add(input.PolicyArn);
  }),

  command('DetachGroupPolicy', z.object({ GroupName: groupName, PolicyArn: policyArn }), ({ account }, input) => {
    const group = findGroup(account, input.GroupName);
    if (!group.attachedPolicies.delete(input.PolicyArn)) throw noSuchEntity('policy', input.PolicyArn);
  }),

  query('ListAttachedGroupPolicies', z.object({ GroupName: groupName, PathPrefix: pathPrefix, ...paging }), ({ account }, input) => {
    const group = findGroup(account, input.GroupName);
    const attached = [...group.attachedPolicies].filter((arn) => pathOfPolicy(arn).startsWith(input.PathPrefix));
    const { items, marker } = page(attached, (arn) => arn, input);
    const members = items.map((arn) => [element('PolicyName', nameOfPolicy(arn)), element('PolicyArn', arn)]);
    return [list('AttachedPolicies', members), ...truncation(marker)];
  }),
];
