import * as Args from '@oclif/core/args';
import * as Flags from '@oclif/core/flags';
import { VaultCommand } from '../cli/vaultCommand.ts';
import { identityFlags, repositoryFlags } from '../cli/flags.ts';
import { passphrasePrompt } from '../cli/prompt.ts';
import { loadIdentities } from '../config/identities.ts';
import { isVaultError, VaultError } from '../errors.ts';
import { openItem } from '../operations/openItem.ts';
import { FIELD_FORMATS, formatValue } from '../reporting/fieldFormats.ts';

export default class Decrypt extends VaultCommand {
  static override summary = 'Open an item, or one field of it, and print it.';
  static override description = `Prints secrets, to standard output alone. Works for admins and for nodes: the identity is the one given, or the first of the usual places whose key the item is sealed to. Signature, roster and generation are checked first.`;
  static override examples = [
    '<%= config.bin %> decrypt vault an-aws-account-name_secret-files data',
    '<%= config.bin %> decrypt vault an-aws-account-name_secret-files data --format aws-credentials',
    '<%= config.bin %> decrypt vault an-aws-account-name_secret-files --identity /etc/ssh/ssh_host_ed25519_key',
  ];
  static override args = {
    vault: Args.string({ required: true, description: 'name of the vault' }),
    item: Args.string({ required: true, description: 'name of the item' }),
    field: Args.string({ description: 'one field; all of them where it is left out' }),
  };
  static override flags = {
    format: Flags.option({ char: 'f', options: FIELD_FORMATS, default: 'json' as const, description: 'how to print it' })(),
    ...identityFlags,
    ...repositoryFlags,
  };

  override async run(): Promise<void> {
    const { args, flags } = await this.parse(Decrypt);
    const output = this.output(flags);
    const workspace = await this.workspace(output, flags);
    const identities = loadIdentities(this.environment, flags.identity, passphrasePrompt('Passphrase of the identity: '));
    const item = await openItem(workspace, { vault: args.vault, item: args.item }, identities).catch((error: unknown) => {
      if (!isVaultError(error, 'identity-missing')) throw error;
      throw new VaultError(error.code, error.message, {
        hint: 'Name yours with --identity; a new one must first be made a recipient by an admin.', details: error.details, cause: error,
      });
    });
    try {
      const value = args.field === undefined ? item.all() : item.field(args.field);
      process.stdout.write(await formatValue(value, flags.json ? 'json' : flags.format));
    } finally {
      item.wipe();
    }
  }
}
