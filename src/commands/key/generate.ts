import * as Flags from '@oclif/core/flags';
import { resolve } from 'node:path';
import { VaultCommand } from '../../cli/vaultCommand.ts';
import { newPassphrasePrompt } from '../../cli/prompt.ts';
import { defaultIdentityPath } from '../../config/environment.ts';
import { generateIdentity } from '../../operations/generateIdentity.ts';
import { describeIdentity } from '../../reporting/identity.ts';

export default class KeyGenerate extends VaultCommand {
  static override summary = 'Make an identity: a private key for a person or a node.';
  static override description = 'The file is made with mode 0600, and never replaces another. The public key is printed: it can go anywhere.';
  static override examples = [
    '<%= config.bin %> key generate',
    '<%= config.bin %> key generate --output /etc/iam-vault/identity',
    '<%= config.bin %> key generate --passphrase',
  ];
  static override flags = {
    output: Flags.string({ char: 'o', helpValue: 'FILE', description: 'where the identity goes [default: iam-vault/identity in your configuration directory]' }),
    passphrase: Flags.boolean({ description: 'protect it with a passphrase (Argon2id)' }),
  };

  override async run(): Promise<void> {
    const { flags } = await this.parse(KeyGenerate);
    const output = this.output(flags);
    const path = resolve(flags.output ?? defaultIdentityPath(this.environment));
    const identity = await generateIdentity(path, new Date(), flags.passphrase ? newPassphrasePrompt() : undefined);
    const { json, text } = describeIdentity(identity, path);
    identity.wipe();
    output.result(json, text);
    output.notice('For a node, give its public key to an admin: vault node add NAME --key LINE');
  }
}
