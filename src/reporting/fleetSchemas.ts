import * as z from 'zod';
import { count, failure, fingerprint, generation, name } from './schemaParts.ts';

const invitationId = z.string().regex(/^[0-9a-f]{32}$/);
const attributes = { environment: z.string(), run_list: z.array(z.string()), normal: z.record(z.string(), z.json()).describe('normal attributes, tags among them') };
const time = z.iso.datetime();
const refusalCode = z.enum(['expired', 'used-up', 'revoked', 'name-taken', 'name-not-allowed', 'key-known', 'used-before', 'clock', 'token-invalid', 'refused']);
const terms = { uses: z.int().min(1).describe('how many nodes may join'), expires: time, approval: z.boolean().describe('a person must approve each node'), names: z.string().describe('pattern of names') };
const itemReports = {
  vault: name, item: name, generation: generation.describe('that is asked for'), recipients: count.describe('nodes that can open it'), up_to_date: count,
  lagging: count.describe('they report another state'), silent: count.describe('there is no report of them'), unverified: count.describe('their report does not count'),
};

/** The shapes of results of commands for nodes that join, and for what agents report: by command, as in schemas.ts. */
export const fleetSchemas = {
  'agent join': z.strictObject({ name, state: z.enum(['admitted', 'filed']), fingerprint, identity: z.string().describe('path of the identity file'), pin: fingerprint.describe('of the roster, for agent.json'), repository: fingerprint.describe('of the roster\'s version 1') }),
  'node approve': z.strictObject({ nodes: z.array(z.strictObject({ name, state: z.enum(['admitted', 'refused', 'gone']).describe('gone: somebody else dealt with it, or it changes all the time'), code: refusalCode.optional() })) }),
  'node invitations': z.strictObject({
    invitations: z.array(z.strictObject({
      id: invitationId, state: z.enum(['open', 'expired', 'used-up', 'revoked', 'untrusted']).describe('untrusted: no admin of today signed it'), used: count, joined: z.array(name).describe('nodes that joined with it, removed ones too'),
      time: time.optional(), signer: name.optional(),
      uses: terms.uses.optional(), expires: time.optional(), approval: terms.approval.optional(), names: terms.names.optional(),
      environment: attributes.environment.optional(), run_list: attributes.run_list.optional(), normal: attributes.normal.optional(),
    })),
  }),
  'node invite': z.strictObject({ id: invitationId, token: z.string().optional().describe('secret'), output: z.string().optional().describe('file that has the token'), ...terms, ...attributes }),
  'node refuse': z.strictObject({ name, requests: z.int().min(1).describe('how many requests there were under that name') }),
  'node requests': z.strictObject({
    pending: z.array(z.strictObject({
      name, request: fingerprint.describe('id of the request'), fingerprint, invitation: invitationId, time, problem: refusalCode.optional().describe('what it would be refused for'), approval: terms.approval.optional(),
      environment: attributes.environment.optional(), run_list: attributes.run_list.optional(), normal: attributes.normal.optional(),
    })),
    refused: z.array(z.strictObject({ name, request: fingerprint.describe('id of the request'), invitation: invitationId, code: refusalCode, time, signer: name })),
  }),
  'node uninvite': z.strictObject({ id: invitationId, revoked: time, used: count }),
  'status': z.strictObject({
    items: z.array(z.strictObject({
      ...itemReports,
      nodes: z.strictObject({
        lagging: z.array(z.strictObject({ node: name, generation: count.nullable().describe('0: it has none; null: it does not ask for the item'), delivered: z.boolean() })),
        silent: z.array(name), unverified: z.array(z.strictObject({ node: name, problem: z.enum(['no-signing-key', 'damaged', 'other-node', 'other-repository', 'signature-invalid', 'time', 'replayed']) })),
      }).optional().describe('with an ITEM'),
    })).describe('with --watch, a line of JSON a change, with the items that are different'),
    problems: z.array(z.strictObject({ vault: name, item: name, error: z.strictObject({ code: failure.code, message: z.string() }) })).optional().describe('items that cannot be trusted or read'),
  }),
  'wait': z.strictObject({ ...itemReports, needed: count }),
};
