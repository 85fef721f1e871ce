import * as Flags from '@oclif/core/flags';
import { IamCommand, iamArgs, iamFlags } from '../../cli/iamCommand.ts';
import { interruptSignal, worstOf } from '../../cli/interrupt.ts';
import { confirm } from '../../cli/prompt.ts';
import { createIam } from '../../operations/iam/createIam.ts';
import { exitCodeOf } from '../../reporting/exitCodes.ts';
import { plansAsJson, renderOutcome, renderPlans } from '../../reporting/plan.ts';

export default class CreateIam extends IamCommand {
  static override summary = 'Create users and keys in every account; seal the credentials.';
  static override description = `In each account: a group with its policy, a user in that group, an access key. The key is sealed to the admins and to the nodes that the file's query selects.

Can be run again at any time: it completes what is missing, changes what differs, and does nothing where all is in place. What takes something away is shown and confirmed first. The secret of a new key is in memory alone until its item is stored; a run that is interrupted anywhere is finished, or cleaned up, by the next one.`;
  static override examples = [
    '<%= config.bin %> create iam ./iam-json-data/secret-files.json',
    '<%= config.bin %> create iam ./iam-json-data/*.json --yes --json',
  ];
  static override args = iamArgs;
  static override flags = {
    'no-verify': Flags.boolean({ description: 'do not try a new key (sts:GetCallerIdentity) before it is called done' }),
    'yes': Flags.boolean({ char: 'y', description: 'do not ask before something is taken away' }),
    ...iamFlags,
  };

  override async run(): Promise<void> {
    const { argv, flags } = await this.parse(CreateIam);
    const output = this.output(flags);
    const workspace = await this.workspace(output, flags);
    const files = await this.readFiles(output, argv as string[]);
    const { signal, release } = interruptSignal();
    try {
      const reports = await this.withAccounts(output, flags, files, signal, (options, progress) => createIam(workspace, files, {
        ...options, signal, verify: !flags['no-verify'],
        confirm: async (plans) => {
          progress.end();
          output.options.stderr.write(`${renderPlans(plans, output.errorColors)}\n`);
          return await confirm('Do this?', flags.yes);
        },
      }));
      output.result(plansAsJson(reports), renderOutcome(reports, output.colors));
      const error = worstOf(reports.flatMap((report) => report.error ?? []));
      if (error !== undefined) process.exitCode = exitCodeOf(error.code);
      else if (reports.some(({ changes }) => changes.length > 0)) output.notice('See "vault list"; open an item with "vault decrypt VAULT ITEM".');
    } finally {
      release();
    }
  }
}
