import { IamCommand, iamArgs, iamFlags } from '../../cli/iamCommand.ts';
import { worstOf } from '../../cli/interrupt.ts';
import { planIam } from '../../operations/iam/createIam.ts';
import { EXIT, exitCodeOf } from '../../reporting/exitCodes.ts';
import { plansAsJson, renderPlans } from '../../reporting/plan.ts';

export default class PlanIam extends IamCommand {
  static override summary = 'Show what "create iam" would do. Changes nothing.';
  static override description = 'Exits with 0 where everything is in place, and with 2 where there is something to do.';
  static override examples = ['<%= config.bin %> plan iam ./iam-json-data/secret-files.json', '<%= config.bin %> plan iam ./iam-json-data/*.json --json'];
  static override args = iamArgs;
  static override flags = iamFlags;

  override async run(): Promise<void> {
    const { argv, flags } = await this.parse(PlanIam);
    const output = this.output(flags);
    const workspace = await this.workspace(output, flags);
    const files = await this.readFiles(output, argv as string[]);
    const reports = await this.withAccounts(output, flags, files, undefined, (options) => planIam(workspace, files, options));
    output.result(plansAsJson(reports), renderPlans(reports, output.colors));
    const error = worstOf(reports.flatMap((report) => report.error ?? []));
    if (error !== undefined) process.exitCode = exitCodeOf(error.code);
    else if (reports.some(({ changes }) => changes.length > 0)) {
      process.exitCode = EXIT.changes;
      output.notice('Nothing was changed. Do this with "vault create iam" and the same files.');
    }
  }
}
