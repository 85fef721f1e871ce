import * as Args from '@oclif/core/args';
import { VaultCommand } from '../cli/vaultCommand.ts';
import { identityFlags, repositoryFlags } from '../cli/flags.ts';
import { passphrasePrompt } from '../cli/prompt.ts';
import { gitVariables } from '../config/environment.ts';
import { loadIdentities } from '../config/identities.ts';
import { diffVersions } from '../operations/git/diffVersions.ts';
import { openWorkTree } from '../operations/git/mergeFile.ts';
import { diffJson, renderDiff } from '../reporting/diff.ts';

export default class Diff extends VaultCommand {
  static override summary = 'Show what changed in items and in the roster since a commit.';
  static override description = 'Names of fields, recipients, queries and generations; never a value. Where your identity opens both versions, fields that were encrypted anew with the value that they had are left out.';
  static override examples = [
    '<%= config.bin %> diff',
    '<%= config.bin %> diff HEAD~3',
    '<%= config.bin %> diff main..feature vault an-aws-account-name_secret-files',
  ];
  static override args = {
    revision: Args.string({ default: 'HEAD', description: 'a commit, compared with the working tree; or FROM..TO' }),
    vault: Args.string({ description: 'only this vault' }),
    item: Args.string({ description: 'only this item of it' }),
  };
  static override flags = { ...identityFlags, ...repositoryFlags };

  override async run(): Promise<void> {
    const { args, flags } = await this.parse(Diff);
    const output = this.output(flags);
    const workspace = await this.workspace(output, flags);
    const at = args.revision.indexOf('..');
    const [from, to] = at < 0 ? [args.revision, undefined] : [args.revision.slice(0, at), args.revision.slice(at + 2)];
    const diff = await diffVersions(workspace, await openWorkTree(workspace, gitVariables(this.environment)), {
      from: from === '' ? 'HEAD' : from, to: to === '' ? 'HEAD' : to, vault: args.vault, item: args.item,
      identities: loadIdentities(this.environment, flags.identity, passphrasePrompt('Passphrase of the identity, to compare values: ')),
    });
    await output.longResult(diffJson(diff), renderDiff(diff, output.colors));
    if (diff.items.length === 0 && diff.roster === undefined) output.notice('Nothing changed.');
  }
}
