import { Command, Flags } from '@oclif/core';
import { processEnvironment, stateDirectoryPath, variable, type Environment } from '../config/environment.ts';
import { isVaultError, VaultError } from '../errors.ts';
import type { Workspace } from '../operations/workspace.ts';
import { createOutput, type Output } from '../reporting/output.ts';

/** Flags that every command has. */
export interface CommonFlags {
  readonly json: boolean;
  readonly quiet: boolean;
}

/** What all commands share: flags, output, and how a failure ends. */
export abstract class VaultCommand extends Command {
  static override baseFlags = {
    json: Flags.boolean({ description: 'print the result as JSON', helpGroup: 'GLOBAL' }),
    quiet: Flags.boolean({ char: 'q', description: 'print nothing but results and errors', helpGroup: 'GLOBAL' }),
  };

  protected readonly environment: Environment = processEnvironment();

  protected output(flags: CommonFlags): Output {
    const noColor = variable(this.environment, 'NO_COLOR') !== undefined;
    const forceColor = variable(this.environment, 'FORCE_COLOR') !== undefined;
    return createOutput({
      json: flags.json, quiet: flags.quiet, stdout: process.stdout, stderr: process.stderr,
      color: noColor ? false : forceColor ? true : undefined,
    });
  }

  /** Opens the repository for a command with {@link repositoryFlags}. */
  protected async workspace(output: Output, flags: { readonly repository?: string | undefined; readonly pin?: string | undefined }): Promise<Workspace & { readonly root: string }> {
    const { openRepository } = await import('../config/repository.ts');
    const { openStateDirectory } = await import('../state/stateDirectory.ts');
    const { root, store } = await openRepository(this.environment, flags.repository);
    return {
      root, store, state: openStateDirectory(stateDirectoryPath(this.environment)),
      now: () => new Date(), notice: (text) => { output.notice(text); }, pin: flags.pin,
    };
  }

  protected override async catch(error: Error): Promise<void> {
    const json = this.argv.includes('--json');
    const exitCode = this.output({ json, quiet: false }).failure(asUsageError(error));
    if (variable(this.environment, 'DEBUG')?.includes('iam-vault') === true && !isVaultError(error)) process.stderr.write(`${error.stack ?? ''}\n`);
    process.exitCode = exitCode;
    await Promise.resolve();
  }
}

/** The errors of oclif's parser are about the command line. */
function asUsageError(error: Error): Error {
  const fromParser = 'oclif' in error && !isVaultError(error);
  return fromParser ? new VaultError('usage', error.message.replace(/\nSee more help with --help$/, ''), { hint: 'See the help: add --help.', cause: error }) : error;
}
