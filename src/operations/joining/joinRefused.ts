import { VaultError } from '../../errors.ts';
import type { Refusal, RefusalCode } from '../../joining/refusal.ts';

const ANOTHER_TOKEN = 'Ask an admin for another token: "vault node invite".';

const WHY: Readonly<Record<RefusalCode, readonly [why: string, hint: string]>> = {
  'expired': ['the invitation has expired', ANOTHER_TOKEN],
  'used-up': ['as many nodes as the invitation allows have joined with it', ANOTHER_TOKEN],
  'revoked': ['the invitation was revoked', ANOTHER_TOKEN],
  'name-taken': ['another node has that name, or an admin must look at the one that has it', 'Choose another with --name; or have an admin remove the old node ("vault node remove"), or approve it ("vault node approve").'],
  'name-not-allowed': ['the invitation is for other names', 'Choose a name that fits with --name, or ask for another token.'],
  'key-known': ['another node has that key', 'Make an identity of its own for each machine: an image that is copied must hold none.'],
  'used-before': ['this node joined with this invitation before, and was removed since', ANOTHER_TOKEN],
  'clock': ['its clock and the clock of whoever admits disagree', 'Set both clocks (NTP), then run the command again.'],
  'token-invalid': ['the invitation is unknown, or no admin of today signed it', ANOTHER_TOKEN],
  'refused': ['an admin said no', 'Ask the admins.'],
};

/** The error that tells a node why. */
export function joinRefused({ code, name, signer, time }: Refusal, now: Date): VaultError {
  const [why, hint] = WHY[code];
  return new VaultError('join-refused', `${name} was refused by ${signer}: ${why}.${code === 'clock' ? ` It is ${now.toISOString()} here, and was ${time} there.` : ''}`, {
    hint, details: { name, reason: code, signer, time },
  });
}
