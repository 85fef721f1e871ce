import type { Identity } from '../sealing/identity.ts';
import { escapeForTerminal } from './escape.ts';

/** What others may know of an identity. Its JSON has the members of a user document, so it can be handed to an admin. */
export function describeIdentity({ publicKey, signingKey }: Identity, path: string): { json: object; text: string } {
  const lines = [
    `public key   ${publicKey.line}`,
    ...(signingKey === undefined ? [] : [`signing key  ${signingKey.line}`]),
    `fingerprint  ${publicKey.fingerprint}`,
    ...(signingKey === undefined ? [] : [`signs with   ${signingKey.fingerprint}`]),
    `identity     ${escapeForTerminal(path)}`,
  ];
  return {
    json: {
      public_key: publicKey.line,
      ...(signingKey === undefined ? {} : { signing_key: signingKey.line }),
      fingerprint: publicKey.fingerprint, ...(signingKey === undefined ? {} : { signing_fingerprint: signingKey.fingerprint }), type: publicKey.type, identity: path,
    },
    text: lines.join('\n'),
  };
}
