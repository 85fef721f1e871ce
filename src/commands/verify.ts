import * as Args from '@oclif/core/args';
import * as Flags from '@oclif/core/flags';
import { VaultCommand } from '../cli/vaultCommand.ts';
import { repositoryFlags } from '../cli/flags.ts';
import { gitVariables } from '../config/environment.ts';
import { verifyFiles } from '../operations/verify/verifyFiles.ts';
import { reportVerification } from '../reporting/verification.ts';
import { openFileStore } from '../stores/file/fileStore.ts';

export default class Verify extends VaultCommand {
  static override summary = 'Verify signatures, digests, generations and recipients, without any private key.';
  static override description = `Checks the roster from its first version on, its proposals, and every item; then looks for plaintext credentials in every file that git keeps or would add. With a vault or an item named, only in the roster and there, and no files are looked into.

Recipients that are gone, or have other keys now, are warnings: "vault refresh" sets them right.`;
  static override examples = [
    '<%= config.bin %> verify',
    '<%= config.bin %> verify --staged    (in a pre-commit hook)',
    '<%= config.bin %> verify --pin FINGERPRINT --json    (in a CI job)',
    '<%= config.bin %> verify vault an-aws-account-name_secret-files',
  ];
  static override args = { vault: Args.string({ description: 'only the items of this vault' }), item: Args.string({ description: 'only this item' }) };
  static override flags = {
    'staged': Flags.boolean({ description: "verify what git's index holds, as a commit would, and remember nothing of it" }),
    'no-scan': Flags.boolean({ description: 'do not look for plaintext credentials' }),
    'allow': Flags.string({ multiple: true, multipleNonGreedy: true, helpValue: 'PATH', description: 'file or folder, from the root of the repository, where plaintext credentials are meant to be, as in tests; may be repeated' }),
    ...repositoryFlags,
  };

  override async run(): Promise<void> {
    const { args, flags } = await this.parse(Verify);
    const output = this.output(flags);
    const { root, ...workspace } = await this.workspace(output, { repository: flags.repository });
    process.exitCode = reportVerification(output, await verifyFiles({ ...workspace, pin: flags.pin }, {
      ...args, git: { directory: root, variables: gitVariables(this.environment) }, staged: flags.staged, scan: !flags['no-scan'], allow: flags.allow ?? [], openStore: openFileStore,
    }));
  }
}
