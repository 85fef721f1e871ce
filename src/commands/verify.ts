import * as Args from '@oclif/core/args';
import * as Flags from '@oclif/core/flags';
import { VaultCommand } from '../cli/vaultCommand.ts';
import { repositoryFlags } from '../cli/flags.ts';
import { gitVariables } from '../config/environment.ts';
import { withTemporaryDirectory } from '../files/temporary.ts';
import { walkFiles } from '../files/walk.ts';
import { checkoutIndex } from '../git/checkoutIndex.ts';
import { listFiles } from '../git/listFiles.ts';
import { verifyRepository, type Verification } from '../operations/verify/verifyRepository.ts';
import type { Workspace } from '../operations/workspace.ts';
import { reportVerification } from '../reporting/verification.ts';
import { openFileStore } from '../stores/file/fileStore.ts';

/** Without git, these folders hold what is not the repository's. */
const NOT_OURS = new Set(['.git', 'node_modules']);

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
    const git = { directory: root, variables: gitVariables(this.environment) };
    const allowed = (flags.allow ?? []).map((path) => path.replace(/^(\.\/+)+/, '').replace(/\/+$/, ''));
    const verify = async (given: Workspace, place: string): Promise<Verification> => {
      const files = flags['no-scan'] || args.vault !== undefined ? undefined : await listFiles(git, flags) ?? await walkFiles(place, NOT_OURS);
      return await verifyRepository({ ...given, pin: flags.pin }, {
        ...args, forget: flags.staged,
        scan: files === undefined ? undefined : { root: place, files: files.filter((path) => !allowed.some((each) => path === each || path.startsWith(`${each}/`))) },
      });
    };
    process.exitCode = reportVerification(output, flags.staged ? await withTemporaryDirectory(async (directory) => {
      const place = await checkoutIndex(git, directory);
      // What is remembered of the repository is remembered by its own place.
      return await verify({ ...workspace, store: { ...openFileStore(place), location: workspace.store.location } }, place);
    }) : await verify(workspace, root));
  }
}
