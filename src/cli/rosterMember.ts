import type { Session } from '../operations/items/changeItem.ts';
import { signerOf, trustRoster } from '../operations/workspace.ts';
import type { Output } from '../reporting/output.ts';
import { VaultCommand } from './vaultCommand.ts';

interface MemberFlags {
  readonly repository?: string | undefined;
  readonly pin?: string | undefined;
  readonly identity?: string | undefined;
}

/** What commands share by which somebody on the roster signs for nodes. */
export abstract class RosterMemberCommand extends VaultCommand {
  /** Runs `work` with an identity of the roster at hand, and wipes it. */
  protected async asMember<T>(output: Output, flags: MemberFlags, work: (workspace: Session['workspace'], trust: Session['trust'], signer: Session['signer']) => Promise<T>): Promise<T> {
    const workspace = await this.workspace(output, flags);
    const identity = await this.adminIdentity(flags.identity);
    try {
      // What is signed for is sealed to, so the roster is not taken as it is found.
      const trust = await trustRoster(workspace, { firstUse: 'refuse' });
      return await work(workspace, trust, signerOf(trust.roster, identity));
    } finally {
      identity.wipe();
    }
  }
}
