import * as Args from '@oclif/core/args';
import { VaultCommand } from '../cli/vaultCommand.ts';
import { SCRIPTS, SHELLS, type Shell } from '../completion/scripts.ts';

export default class Completion extends VaultCommand {
  static override summary = 'Print a script that completes commands, flags and names in a shell.';
  static override description = `Install it:\n\n${SHELLS.map((shell) => `  ${SCRIPTS[shell].install}`).join('\n')}`;
  static override examples = ['source <(<%= config.bin %> completion bash)', '<%= config.bin %> completion fish > ~/.config/fish/completions/vault.fish'];
  static override args = { shell: Args.custom<Shell>({ options: [...SHELLS] })({ required: true, description: 'bash, zsh or fish' }) };

  override async run(): Promise<void> {
    const { args, flags } = await this.parse(Completion);
    const output = this.output(flags);
    const { script, install } = SCRIPTS[args.shell];
    output.result({ shell: args.shell, script, install }, script);
    if (process.stdout.isTTY) output.notice(`To install it: ${install}`);
  }
}
