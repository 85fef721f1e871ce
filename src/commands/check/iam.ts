import { VaultCommand } from '../../cli/vaultCommand.ts';
import { iamArgs } from '../../cli/iamCommand.ts';
import { checkFiles } from '../../operations/iam/checkFiles.ts';
import { checksAsJson, renderChecks } from '../../reporting/check.ts';
import { EXIT } from '../../reporting/exitCodes.ts';

export default class CheckIam extends VaultCommand {
  static override summary = 'Check IAM files, offline: schema, policy lint, policy tests.';
  static override examples = ['<%= config.bin %> check iam ./iam-json-data/secret-files.json', '<%= config.bin %> check iam ./iam-json-data/*.json --json'];
  static override args = iamArgs;

  override async run(): Promise<void> {
    const { argv, flags } = await this.parse(CheckIam);
    const output = this.output(flags);
    const checks = await checkFiles(argv as string[]);
    output.result(checksAsJson(checks), renderChecks(checks, output.colors));
    const clean = checks.every(({ findings, tests }) => findings.every(({ severity }) => severity !== 'error') && tests.every(({ pass }) => pass));
    if (!clean) process.exitCode = EXIT.input;
  }
}
