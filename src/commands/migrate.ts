import * as Flags from '@oclif/core/flags';
import { repositoryFlags } from '../cli/flags.ts';
import { VaultCommand } from '../cli/vaultCommand.ts';
import { stateDirectoryPath } from '../config/environment.ts';
import { openNamedStore } from '../config/repository.ts';
import { VaultError } from '../errors.ts';
import { ensureDirectory } from '../files/write.ts';
import { makeCompanions } from '../operations/initRepository.ts';
import { migrateRepository } from '../operations/migrate/migrateRepository.ts';
import { describeMigration } from '../reporting/migration.ts';
import { openStateDirectory } from '../state/stateDirectory.ts';

export default class Migrate extends VaultCommand {
  static override summary = 'Copy a repository into another store: from files to etcd, back, or to another etcd or prefix.';
  static override description = `Rosters, proposals, items and the inventory, to the byte, with their generations and signatures; and from etcd to etcd what is about joining too: invitations with what was used of them, requests and admissions, for which files have no place. The target must be empty. A run that was interrupted is gone on with by the same command; at the end everything is compared again, and every signature verified.

STORE is the directory of a repository; or a file in the form of vault.json, which may lie beside it under another name; or, after --to, a directory that is yet to be made. Nothing of the source is changed: let nobody write to it any more, and put the new vault.json in the place of the old one. IAM files stay where they are.`;
  static override examples = [
    '<%= config.bin %> migrate --from . --to etcd.json',
    '<%= config.bin %> migrate --from ./in-etcd --to ./copy-in-files',
  ];
  static override flags = {
    from: Flags.string({ required: true, helpValue: 'STORE', description: 'the repository that is copied' }),
    to: Flags.string({ required: true, helpValue: 'STORE', description: 'an empty store, or one that an interrupted run began to fill' }),
    pin: repositoryFlags.pin,
  };

  override async run(): Promise<void> {
    const { flags } = await this.parse(Migrate);
    const output = this.output(flags);
    const from = await openNamedStore(this.environment, flags.from);
    if (from.make !== undefined) throw new VaultError('repository-missing', `There is no vault repository at ${flags.from}.`, { hint: 'Name its directory, or its vault.json.', details: { place: flags.from } });
    const to = await openNamedStore(this.environment, flags.to);
    if (to.store.directory !== undefined && to.store.directory === from.store.directory) throw new VaultError('usage', 'Both stores are the same directory.');
    if (to.make !== undefined) await ensureDirectory(to.root);
    const migration = await migrateRepository({
      store: from.store, state: openStateDirectory(stateDirectoryPath(this.environment)), pin: flags.pin,
      now: () => new Date(), notice: (text) => { output.notice(text); }, warn: (text) => { output.alert(text); },
    }, to.store, async () => {
      if (to.make === undefined) return;
      await makeCompanions(to.root);
      await to.make();
    });
    const { json, text } = describeMigration(flags, migration, output.colors);
    output.result(json, text);
    output.notice('Nothing of the source was changed, and nothing keeps others from writing to it: see to it that nobody does.');
    if (to.besides !== undefined) output.notice(`Next: put ${to.besides} in the place of vault.json, in the same directory.`);
  }
}
