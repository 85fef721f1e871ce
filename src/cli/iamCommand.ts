import * as Args from '@oclif/core/args';
import * as Flags from '@oclif/core/flags';
import { readAwsProfiles } from '../config/awsProfiles.ts';
import { openAccount, type AwsAccount } from '../iam/client.ts';
import { checkFiles, requireClean } from '../operations/iam/checkFiles.ts';
import type { IamOptions } from '../operations/iam/createIam.ts';
import { AUDIENCE_FORMS, type Form } from '../operations/items/changeItem.ts';
import type { IamFile } from '../policy/iamFile.ts';
import { renderFindings } from '../reporting/check.ts';
import type { Output } from '../reporting/output.ts';
import { createProgress, type Progress } from '../reporting/progress.ts';
import { sealFlags } from './flags.ts';
import { VaultCommand } from './vaultCommand.ts';

export const iamArgs = { file: Args.string({ required: true, multiple: true, description: 'IAM file; several may be named' }) };

/** Flags of the commands that look at accounts. */
export const iamFlags = {
  'adopt': Flags.boolean({ description: 'take over users and groups that this tool did not make' }),
  'recreate': Flags.boolean({ description: 'make items anew that were here before and are gone' }),
  'audience': Flags.option({ options: AUDIENCE_FORMS, description: 'group: seal to one audience, which lists the recipients once for many items; inline: list them in each item [default: as each item is, and inline for new ones]' })(),
  ...sealFlags,
};

interface IamFlagValues {
  readonly 'adopt': boolean;
  readonly 'accept-key': string[] | undefined;
  readonly 'recreate': boolean;
  readonly 'audience'?: Form | undefined;
  readonly 'allow-empty': boolean;
  readonly 'skip-unsealable': boolean;
  readonly 'identity': string | undefined;
  readonly 'quiet': boolean;
}

/** What `plan iam` and `create iam` share: checking files, opening accounts, progress. */
export abstract class IamCommand extends VaultCommand {
  /** Files that passed every check; lint warnings are printed. */
  protected async readFiles(output: Output, paths: readonly string[]): Promise<IamFile[]> {
    const checks = await checkFiles(paths);
    requireClean(checks);
    if (!output.options.quiet) for (const check of checks) for (const line of renderFindings(check, output.errorColors)) output.options.stderr.write(`${line}\n`);
    return checks.map(({ file }) => file);
  }

  /** Runs `work` with everything open that it needs, and closes it again. */
  protected async withAccounts<T>(output: Output, flags: IamFlagValues, files: readonly IamFile[], signal: AbortSignal | undefined, work: (options: IamOptions, progress: Progress) => Promise<T>): Promise<T> {
    const profiles = await readAwsProfiles(this.environment.variables);
    const opened: AwsAccount[] = [];
    const total = files.reduce((sum, file) => sum + file.accounts.length, 0);
    const progress = createProgress(output.options.stderr, () => total, output.options.quiet);
    const identity = await this.adminIdentity(flags.identity);
    try {
      return await work({
        identity,
        adopt: flags.adopt,
        acceptKeys: flags['accept-key'] ?? [],
        recreate: flags.recreate,
        form: flags.audience,
        allowEmpty: flags['allow-empty'],
        skipUnsealable: flags['skip-unsealable'],
        openAccount: (name) => {
          const account = openAccount(profiles.profile(name), { signal });
          opened.push(account);
          return account;
        },
        onStep: ({ desired }, step) => { progress.step(`${desired.account} ${desired.user}`, step); },
      }, progress);
    } finally {
      progress.end();
      identity.wipe();
      for (const account of opened) account.close();
    }
  }
}
