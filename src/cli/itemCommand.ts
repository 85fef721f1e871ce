import * as Flags from '@oclif/core/flags';
import { openSession } from '../operations/items/session.ts';
import type { Session } from '../operations/items/changeItem.ts';
import type { Output } from '../reporting/output.ts';
import { sealFlags } from './flags.ts';
import { VaultCommand } from './vaultCommand.ts';

/** Further flags of those that change items which are there. */
export const changeFlags = {
  'clean-unknown': Flags.boolean({ description: 'take out nodes that are gone from the inventory' }),
  'yes': Flags.boolean({ char: 'y', description: 'do not ask before something is taken away' }),
  ...sealFlags,
};

interface SealFlagValues {
  readonly 'accept-key': string[] | undefined;
  readonly 'skip-unsealable': boolean;
  readonly 'allow-empty': boolean;
  readonly 'clean-unknown'?: boolean;
  readonly 'identity': string | undefined;
  readonly 'repository': string | undefined;
  readonly 'pin': string | undefined;
}

/** What the commands that change items share. */
export abstract class ItemCommand extends VaultCommand {
  /** Runs `work` with an admin's identity at hand, and wipes it. */
  protected async withSession<T>(output: Output, flags: SealFlagValues, work: (session: Session) => Promise<T>): Promise<T> {
    const workspace = await this.workspace(output, flags);
    const identity = await this.adminIdentity(flags.identity);
    try {
      return await work(await openSession(workspace, identity, {
        acceptKeys: flags['accept-key'] ?? [], skipUnsealable: flags['skip-unsealable'], allowEmpty: flags['allow-empty'], cleanUnknown: flags['clean-unknown'] ?? false,
      }));
    } finally {
      identity.wipe();
    }
  }
}

/** Names that a flag lists, separated by commas, each time it is given. */
export function listOf(values: readonly string[] | undefined): string[] | undefined {
  return values?.flatMap((value) => value.split(',')).map((name) => name.trim()).filter((name) => name !== '');
}
