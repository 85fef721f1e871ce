import { commandArgs, commandFlags, namedValues, splitCommand, wantedFields, type OpenedFields } from '../cli/commandItems.ts';
import { CommandRunner } from '../cli/commandRunner.ts';
import { identityFlags, repositoryFlags } from '../cli/flags.ts';
import { openForReading } from '../cli/openForReading.ts';
import { runInPlace } from '../processes/inPlace.ts';
import { endAs } from '../processes/signals.ts';
import { commandVariables } from '../processes/variables.ts';

export default class Exec extends CommandRunner {
  static override summary = 'Run a command with the values of an item in its environment.';
  static override description = `Opens the item as "vault decrypt" does, once, and runs what stands behind "--" with its values as variables, named as "vault decrypt --format env" names them. Credentials made by "vault create iam" become AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY.

Signals are passed on, and it ends as the command does: with its exit code, or of the same signal; 127 where there is no such command, 126 where it cannot be run. See docs/agent-processes.md.`;
  static override usage = 'exec VAULT ITEM [FIELD] [FLAGS] -- COMMAND [ARGUMENTS]';
  static override examples = [
    '<%= config.bin %> exec vault an-aws-account-name_secret-files -- aws s3 ls s3://an-s3-bucket',
    '<%= config.bin %> exec vault db password --prefix DB_ -- ./migrate',
    '<%= config.bin %> exec --item vault/db:password --item vault/mail --clear-environment -- ./server --port 8080',
  ];
  static override args = commandArgs;
  static override flags = { ...commandFlags, ...identityFlags, ...repositoryFlags };

  override async run(): Promise<void> {
    const { own, command } = splitCommand(this.argv);
    const { args, flags } = await this.parse(Exec, own);
    const wanted = wantedFields({ args, flags });
    const workspace = await this.workspace(this.output(flags), flags);
    const opened: OpenedFields[] = [];
    for (const { ref, field } of wanted) {
      const item = await openForReading(this.environment, workspace, ref.vault, ref.item, flags.identity);
      try {
        opened.push({ ref, field, fields: field === undefined ? item.all() : { [field]: item.field(field) } });
      } finally {
        item.wipe();
      }
    }
    const variables = commandVariables(this.environment.variables, namedValues(opened, flags.prefix), flags['clear-environment']);
    endAs(await runInPlace(command, variables));
  }
}
