import { VaultCommand } from '../../cli/vaultCommand.ts';
import { identityFlags } from '../../cli/flags.ts';
import { passphrasePrompt } from '../../cli/prompt.ts';
import { loadIdentities } from '../../config/identities.ts';
import { describeIdentity } from '../../reporting/identity.ts';

export default class KeyShow extends VaultCommand {
  static override summary = 'Print the public key and the fingerprint of an identity.';
  static override examples = ['<%= config.bin %> key show', '<%= config.bin %> key show --identity /etc/ssh/ssh_host_ed25519_key'];
  static override flags = { ...identityFlags };

  override async run(): Promise<void> {
    const { flags } = await this.parse(KeyShow);
    const output = this.output(flags);
    for await (const { identity, path } of loadIdentities(this.environment, flags.identity, passphrasePrompt('Passphrase of the identity: '))) {
      const { json, text } = describeIdentity(identity, path);
      identity.wipe();
      output.result(json, text);
      return;
    }
  }
}
