import * as Flags from '@oclif/core/flags';
import { VaultCommand } from '../../cli/vaultCommand.ts';
import { repositoryFlags } from '../../cli/flags.ts';
import { gitVariables } from '../../config/environment.ts';
import { launcherWords } from '../../config/launcher.ts';
import { filesOf } from '../../operations/git/filesOf.ts';
import { installGit } from '../../operations/git/installGit.ts';
import { foreignHookNotice, installJson, renderInstall } from '../../reporting/gitInstall.ts';

export default class GitInstall extends VaultCommand {
  static override summary = 'Let git merge and show items by this program, and check them before each commit.';
  static override description = 'Adds lines to .gitattributes, which is committed; registers the merge driver and the textconv in the configuration of this clone; and installs hooks that run "vault verify" before a commit. What others wrote stays. Run it once in each clone.';
  static override examples = ['<%= config.bin %> git install', '<%= config.bin %> git install --no-hook'];
  static override flags = {
    hook: Flags.boolean({ default: true, allowNo: true, description: 'install the hooks pre-commit and pre-merge-commit' }),
    ...repositoryFlags,
  };

  override async run(): Promise<void> {
    const { flags } = await this.parse(GitInstall);
    const output = this.output(flags);
    const { store } = await this.workspace(output, flags);
    const result = await installGit({
      root: filesOf(store), variables: gitVariables(this.environment), hook: flags.hook,
      program: await launcherWords(this.environment, process.argv[1] ?? '', process.execPath),
    });
    output.result(installJson(result), renderInstall(result, output.colors));
    const notice = foreignHookNotice(result);
    if (notice !== undefined) output.alert(notice);
  }
}
