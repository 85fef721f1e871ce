import type { RecoveryIdentity } from '../operations/roster/recoveryIdentity.ts';
import type { Colors } from './output.ts';

/** A recovery identity with its secret: to be printed once, on stdout. */
export function describeRecovery({ admin: { name }, secret, fingerprint }: RecoveryIdentity, colors: Colors): { json: object; text: string } {
  return {
    json: { name, secret: secret.reveal(), fingerprint },
    text: [
      `${colors.bold('Recovery identity')} ${name}, printed this once and kept nowhere:`,
      '',
      `  ${secret.reveal()}`,
      '',
      'Write it down, or print it, and keep it away from this machine: whoever has it opens every item.',
      'When a key is lost: put the line into a file that you alone can read (chmod 600), then, with --identity FILE,',
      '"vault admin add NEW" and "vault admin remove OLD"; "vault refresh" where an item was left out.',
    ].join('\n'),
  };
}
