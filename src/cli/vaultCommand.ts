import type { Interfaces } from '@oclif/core';
import { Command } from '@oclif/core/command';
import { Config } from '@oclif/core/config';
import * as Flags from '@oclif/core/flags';
import { processEnvironment, stateDirectoryPath, type Environment } from '../config/environment.ts';
import { VaultError } from '../errors.ts';
import type { Workspace } from '../operations/workspace.ts';
import type { Output } from '../reporting/output.ts';
import type { Identity } from '../sealing/identity.ts';
import { processOutput } from './processOutput.ts';

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

  /** As oclif's own, without loading the configuration a second time. */
  static override async run<T extends Command>(
    this: new (argv: string[], config: Config) => T, argv: string[] = process.argv.slice(2), options?: Interfaces.LoadOptions,
  ): Promise<ReturnType<T['run']>> {
    const config = options instanceof Config ? options : await Config.load(options);
    return await (new this(argv, config) as unknown as VaultCommand)._run<ReturnType<T['run']>>();
  }

  protected readonly environment: Environment = processEnvironment();

  /** oclif would take a line that is piped in for an argument that was left out. */
  protected override async init(): Promise<void> {
    await super.init();
    for (const arg of Object.values(this.ctor.args)) arg.ignoreStdin = true;
  }

  protected output(flags: CommonFlags): Output {
    return processOutput(flags, this.environment);
  }

  /** Opens the repository for a command with {@link repositoryFlags}. */
  protected async workspace(output: Output, flags: { readonly repository?: string | undefined; readonly pin?: string | undefined }): Promise<Workspace & { readonly root: string }> {
    const { openRepository } = await import('../config/repository.ts');
    const { openStateDirectory } = await import('../state/stateDirectory.ts');
    const { root, store } = await openRepository(this.environment, flags.repository);
    const workspace: Workspace = {
      store, state: openStateDirectory(stateDirectoryPath(this.environment)),
      now: () => new Date(), notice: (text) => { output.notice(text); }, warn: (text) => { output.alert(text); }, pin: flags.pin,
    };
    if (flags.pin !== undefined) {
      // Commands that read the inventory alone would not look at the roster otherwise.
      const { trustRoster } = await import('../operations/workspace.ts');
      await trustRoster(workspace);
    }
    return { ...workspace, root };
  }

  /** The first identity that can sign, loaded as admins' commands need it. The caller wipes it. */
  protected async adminIdentity(named: string | undefined): Promise<Identity> {
    const { loadIdentities } = await import('../config/identities.ts');
    const { passphrasePrompt } = await import('./prompt.ts');
    for await (const { identity } of loadIdentities(this.environment, named, passphrasePrompt('Passphrase of the identity: '))) {
      if (identity.signingKey !== undefined || named !== undefined) return identity;
    }
    throw new VaultError('identity-missing', 'No identity here can sign.', { hint: 'Make one with "vault key generate", or name an admin\'s with --identity.' });
  }

  protected override async catch(error: Error): Promise<void> {
    const { reportFailure } = await import('./failure.ts');
    const { id, args, flags } = this.ctor;
    // A command may have no arguments or no flags of its own; oclif's types do not say so.
    reportFailure(error, this.argv, { name: id.replaceAll(':', ' '), args: { ...args }, flags: Object.keys({ ...flags, ...VaultCommand.baseFlags }) });
  }
}
