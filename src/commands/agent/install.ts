import { resolve } from 'node:path';
import * as Flags from '@oclif/core/flags';
import { installUnit } from '../../agent/systemd/installUnit.ts';
import { systemdUnit } from '../../agent/systemd/unit.ts';
import { agentFlags } from '../../cli/agentFlags.ts';
import { VaultCommand } from '../../cli/vaultCommand.ts';
import { readAgentFile } from '../../config/agentFile.ts';
import { programWords } from '../../config/launcher.ts';
import { renderUnit, unitJson } from '../../reporting/unit.ts';

export default class AgentInstall extends VaultCommand {
  static override summary = 'Write the unit with which systemd runs the agent.';
  static override description = 'The unit is made for the configuration: it can write where that delivers to, and do little else. Run it again after the configuration names other places. It is not started; what to run next is printed. See docs/agent-processes.md.';
  static override examples = ['<%= config.bin %> agent install --dry-run', '<%= config.bin %> agent install', '<%= config.bin %> agent install --config /etc/iam-vault/agent.json --directory /usr/local/lib/systemd/system'];
  static override flags = {
    ...agentFlags,
    'directory': Flags.string({ helpValue: 'DIR', default: '/etc/systemd/system', description: 'where the unit goes' }),
    'dry-run': Flags.boolean({ description: 'print the unit, and write nothing' }),
    'force': Flags.boolean({ description: 'replace one that was changed' }),
  };

  override async run(): Promise<void> {
    const { flags } = await this.parse(AgentInstall);
    const output = this.output(flags);
    const config = resolve(this.environment.cwd, flags.config);
    const unit = systemdUnit({
      config, configuration: await readAgentFile(config, this.environment.uid),
      program: await programWords(this.environment, process.argv[1] ?? '', process.execPath),
    });
    const result = flags['dry-run'] ? undefined : await installUnit(resolve(this.environment.cwd, flags.directory), unit, flags.force);
    output.result(unitJson(unit, result), renderUnit(unit, result, output.colors));
  }
}
