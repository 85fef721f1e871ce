import { isVaultError } from '../errors.ts';
import { VaultCommand } from './vaultCommand.ts';

/** What the commands that run another one share: they end with 126 or 127 where that cannot be started, as shells do. */
export abstract class CommandRunner extends VaultCommand {
  protected override async catch(error: Error): Promise<void> {
    await super.catch(error);
    const exitCode = isVaultError(error, 'command-failed') ? error.details['exit_code'] : undefined;
    if (typeof exitCode === 'number') process.exitCode = exitCode;
  }
}
