import * as z from 'zod';
import { EXIT_CODES } from './exitCodes.ts';

/** What the shapes of several results have in common. */

export const name = z.string().min(1);
export const fingerprint = z.string().regex(/^[A-Za-z0-9_-]{43}$/).describe('BLAKE2b-256 of the key, base64url');
export const publicKey = z.string().describe('one line, as it can be given to "vault node add --key"');
export const count = z.int().min(0);
export const position = { line: z.int().min(1), column: z.int().min(1) };

export const identity = z.strictObject({
  public_key: publicKey,
  signing_key: publicKey.optional().describe('absent for an age identity, which cannot sign'),
  fingerprint,
  signing_fingerprint: fingerprint.optional().describe('of the signing key'),
  type: z.enum(['vault', 'ssh-ed25519', 'age']),
  identity: z.string().describe('path of the identity file'),
});

export const nodeSummary = {
  name,
  environment: z.string(),
  run_list: z.array(z.string()),
  key_type: identity.shape.type.optional().describe('absent where the node has no key that can be sealed to'),
  fingerprint: fingerprint.optional(),
  problem: z.string().optional().describe('why it cannot be sealed to'),
};

export const failure = { code: z.enum(Object.keys(EXIT_CODES)), message: z.string(), hint: z.string().optional().describe('what to do next') };
export const generation = z.int().min(1);
