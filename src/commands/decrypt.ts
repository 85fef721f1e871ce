import * as Args from '@oclif/core/args';
import * as Flags from '@oclif/core/flags';
import { VaultCommand } from '../cli/vaultCommand.ts';
import { openForReading } from '../cli/openForReading.ts';
import { identityFlags, repositoryFlags } from '../cli/flags.ts';
import { FIELD_FORMATS, formatValue } from '../items/valueFormats.ts';

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
    const item = await openForReading(this.environment, workspace, args.vault, args.item, flags.identity);
    try {
      const value = args.field === undefined ? item.all() : item.field(args.field);
      process.stdout.write(await formatValue(value, flags.json ? 'json' : flags.format));
    } finally {
      item.wipe();
    }
  }
}
