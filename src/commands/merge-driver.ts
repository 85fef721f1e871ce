import * as Args from '@oclif/core/args';
import { VaultCommand } from '../cli/vaultCommand.ts';
import { passphrasePrompt } from '../cli/prompt.ts';
import { gitVariables } from '../config/environment.ts';
import { loadIdentities } from '../config/identities.ts';
import { VaultError } from '../errors.ts';
import { readRegularFile } from '../files/read.ts';
import { replaceFile } from '../files/write.ts';
import { mergeableFile, openMerger } from '../operations/git/mergeFile.ts';
import { mergeForeignFile, runMergeDriver, type DriverResult } from '../operations/git/mergeDriver.ts';
import { conflictText, whatToDo } from '../reporting/diff.ts';
import { EXIT } from '../reporting/exitCodes.ts';

const MAX_BYTES = 64 << 20;

export default class MergeDriver extends VaultCommand {
  static override summary = 'Merge a file of a vault: what git calls where "vault git install" registered it.';
  static override description = 'Writes the result to OURS and exits with 0; or leaves there a text that names both sides\' changes, and exits with 1.';
  static override examples = ['git config merge.iam-vault.driver "vault merge-driver %O %A %B %P"'];
  static override hidden = true;
  static override args = {
    base: Args.string({ required: true, description: 'file with the version that both sides began with (%O)' }),
    ours: Args.string({ required: true, description: 'file with our version, which gets the result (%A)' }),
    theirs: Args.string({ required: true, description: 'file with their version (%B)' }),
    path: Args.string({ required: true, description: 'path of the file in the work tree (%P)' }),
  };

  override async run(): Promise<void> {
    const { args, flags } = await this.parse(MergeDriver);
    const output = this.output(flags);
    const git = { directory: this.environment.cwd, variables: gitVariables(this.environment) };
    const result = await this.merge(args, git, output);
    if (result.kind === 'conflict') {
      await replaceFile(args.ours, new TextEncoder().encode(conflictText(args.path, result)), { mode: 0o644 });
      output.failure(result.error);
      output.notice(whatToDo(args.path).join('\n'));
      process.exitCode = EXIT.failed;
      return;
    }
    const clean = result.kind === 'merged' || await mergeForeignFile(git, args);
    if (result.kind === 'merged') await replaceFile(args.ours, result.bytes, { mode: 0o644 });
    output.result({ path: args.path, merged: clean }, '');
    if (!clean) process.exitCode = EXIT.failed;
  }

  private async merge(args: { base: string; ours: string; theirs: string; path: string }, git: Parameters<typeof mergeForeignFile>[0], output: ReturnType<VaultCommand['output']>): Promise<DriverResult> {
    const known = mergeableFile(args.path);
    if (known === undefined) return { kind: 'foreign' };
    const [base, ours, theirs] = [await read(args.base), await read(args.ours), await read(args.theirs)];
    return await runMergeDriver({
      path: args.path, file: known.file, git,
      // An empty base is git's way to say that there is none.
      files: { base: base.length === 0 ? undefined : base, ours, theirs },
      openMerger: async () => await openMerger(
        await this.workspace(output, { repository: known.prefix === '' ? '.' : known.prefix }),
        loadIdentities(this.environment, undefined, passphrasePrompt('Passphrase of the identity, to merge: ')), gitVariables(this.environment),
      ),
    });
  }
}

async function read(path: string): Promise<Uint8Array> {
  const file = await readRegularFile(path, { maxBytes: MAX_BYTES });
  if (file === undefined) throw new VaultError('input-unreadable', `There is no file ${path}.`, { details: { source: path } });
  return file.bytes;
}
