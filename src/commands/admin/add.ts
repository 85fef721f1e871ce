import * as Args from '@oclif/core/args';
import * as Flags from '@oclif/core/flags';
import { identityFlags, repositoryFlags } from '../../cli/flags.ts';
import { RosterCommand } from '../../cli/rosterCommand.ts';
import { adminToAdd } from '../../operations/roster/adminToAdd.ts';
import { makeRecoveryIdentity } from '../../operations/roster/recoveryIdentity.ts';
import { proposeChange, type RosterWork } from '../../operations/roster/rosterChange.ts';
import { describeRecovery } from '../../reporting/recovery.ts';

export default class AdminAdd extends RosterCommand {
  static override summary = 'Add an admin: at once with a quorum of one, otherwise as a proposal.';
  static override description = `The new admin sends both public lines of "vault key show". When the change takes effect, every item that is for all admins and that you can open is sealed to them too. Without a key, users/NAME.json of the repository is taken, after a question: anybody who writes there can have changed it. Compare both fingerprints with the new admin: what signs is the second.`;
  static override examples = [
    '<%= config.bin %> admin add bob --key vaultseal1… --signing-key vaultsign1…',
    '<%= config.bin %> admin add carol --key "ssh-ed25519 AAAA…" --quorum 2',
    '<%= config.bin %> admin add bob --file bob.json',
    '<%= config.bin %> admin add recovery --generate',
    '<%= config.bin %> admin add refresher --file refresher.json --refresher',
  ];
  static override args = { name: Args.string({ required: true, description: 'name of the admin' }) };
  static override flags = {
    'key': Flags.string({ helpValue: 'LINE', description: 'public key: vaultseal1…, or ssh-ed25519 …, which serves for both', exclusive: ['file', 'generate'] }),
    'signing-key': Flags.string({ helpValue: 'LINE', description: 'signing key: vaultsign1… or ssh-ed25519 …', dependsOn: ['key'] }),
    'file': Flags.string({ helpValue: 'FILE', description: 'user document, or the output of "vault key show --json"', exclusive: ['generate'] }),
    'refresher': Flags.boolean({ description: 'for "vault refresh --watch": may open and sign items, and neither change the roster nor invite nodes', exclusive: ['generate'] }),
    'generate': Flags.boolean({ description: 'make an identity for recovery, and print its secret, once; it is kept nowhere' }),
    'quorum': Flags.integer({ helpValue: 'N', description: 'how many admins must sign the next change [default: as it is]' }),
    'yes': Flags.boolean({ char: 'y', description: 'do not ask' }),
    ...identityFlags,
    ...repositoryFlags,
  };

  override async run(): Promise<void> {
    const { args: { name }, flags } = await this.parse(AdminAdd);
    const output = this.output(flags);
    if (!flags.generate) {
      await this.changeRoster(output, flags, async (work) => {
        const { admin, unsigned } = await adminToAdd(work.workspace.store, name, { key: flags.key, signingKey: flags['signing-key'], file: flags.file, refresher: flags.refresher });
        return await proposeChange(work, { add: [admin], quorum: flags.quorum }, async (difference) => {
          if (unsigned) await this.agree(output, difference, flags.yes, `Are those both fingerprints that "vault key show" gives ${name}? They are from users/${name}.json, which nobody signed.`, `The key of ${name} comes from users/${name}.json, which nobody signed`);
          else await this.agreeToLoss(output, difference, flags.yes, `Lower the quorum to ${String(difference.quorum.after)}?`);
        });
      });
      return;
    }
    await makeRecoveryIdentity(name, async (recovery) => {
      const { json, text } = describeRecovery(recovery, output.colors);
      const change = { add: [recovery.admin], quorum: flags.quorum };
      // To a person the secret is shown before anything depends on it: a run that is interrupted leaves no admin whom nobody can be.
      await this.changeRoster(output, flags, (work: RosterWork) => proposeChange(work, change, async () => {
        if (!output.options.json) output.result({}, `${text}\n`);
        await Promise.resolve();
      }), { recovery: json });
    });
  }
}
