import * as Args from '@oclif/core/args';
import * as Flags from '@oclif/core/flags';
import { userInfo } from 'node:os';
import { VaultCommand } from '../cli/vaultCommand.ts';
import { etcdConfig, etcdFlags } from '../cli/etcdFlags.ts';
import { identityFlags } from '../cli/flags.ts';
import { offerGit } from '../cli/offerGit.ts';
import { newPassphrasePrompt, passphrasePrompt } from '../cli/prompt.ts';
import { defaultIdentityPath, stateDirectoryPath } from '../config/environment.ts';
import { loadIdentity } from '../config/identities.ts';
import { DEFAULT_CONFIG, openStore } from '../config/repository.ts';
import { isVaultError } from '../errors.ts';
import { generateIdentity } from '../operations/generateIdentity.ts';
import { initRepository, type InitResult } from '../operations/initRepository.ts';
import { escapeForTerminal } from '../reporting/escape.ts';
import { describeRecovery } from '../reporting/recovery.ts';
import type { Identity } from '../sealing/identity.ts';
import { openStateDirectory } from '../state/stateDirectory.ts';

export default class Init extends VaultCommand {
  static override summary = 'Make a vault repository and its first admin.';
  static override description = `An existing chef-repo can be used as it is. The admin's identity is made where there is none yet, outside the repository, readable by you alone. Back it up: a lone admin who loses it loses every item. --recovery makes a second key that is printed once and kept nowhere, to write down.`;
  static override examples = [
    '<%= config.bin %> init',
    '<%= config.bin %> init ./chef-repo --admin alice',
    '<%= config.bin %> init --identity ~/.ssh/id_ed25519',
    '<%= config.bin %> init --recovery',
    '<%= config.bin %> init ./vault --etcd https://etcd1:2379 --etcd https://etcd2:2379 --etcd-prefix /iam-vault/production/ --etcd-ca ca.pem --etcd-credentials ~/.config/iam-vault/etcd.json',
  ];
  static override args = { directory: Args.string({ default: '.', description: 'root of the new repository' }) };
  static override flags = {
    admin: Flags.string({ helpValue: 'NAME', description: 'name of the first admin [default: your user name]' }),
    passphrase: Flags.boolean({ description: 'protect a new identity with a passphrase' }),
    recovery: Flags.boolean({ description: 'make an offline recovery identity too, as a second admin, and print its secret, once' }),
    'git-hook': Flags.boolean({ allowNo: true, description: 'check all signatures before each commit, in a git repository [default: ask]' }),
    ...etcdFlags,
    ...identityFlags,
  };

  override async run(): Promise<void> {
    const { args, flags } = await this.parse(Init);
    const output = this.output(flags);
    const path = flags.identity ?? defaultIdentityPath(this.environment);
    const config = etcdConfig(flags, this.environment) ?? DEFAULT_CONFIG;
    let identity: Identity | undefined;
    const report = ({ recovery, ...made }: InitResult, git: object = {}): void => {
      const once = recovery === undefined ? undefined : describeRecovery(recovery, output.colors);
      output.result({ ...made, identity: path, ...git, ...(once === undefined ? {} : { recovery: once.json }) }, [
        `${output.colors.green('Made')} a vault repository in ${escapeForTerminal(made.root)}`,
        `  admin     ${made.admin.name}`,
        `  identity  ${escapeForTerminal(path)}`,
        `  roster    version 1, ${made.roster}`,
        ...(once === undefined ? [] : ['', once.text]),
      ].join('\n'));
    };
    try {
      const made = await initRepository({
        root: args.directory, adminName: flags.admin ?? userInfo().username, now: new Date(),
        identity: async () => (identity = await this.loadOrGenerate(path, flags.identity !== undefined, flags.passphrase)),
        state: openStateDirectory(stateDirectoryPath(this.environment)), config, openStore: (root) => openStore(this.environment, root, config.store),
        recovery: flags.recovery, handOver: (handed) => { report(handed); }, notice: (text) => { output.notice(text); },
      });
      const git = config.store.engine === 'file' ? await offerGit(output, this.environment, made.root, flags['git-hook']) : {};
      if (made.recovery === undefined) {
        report(made, git);
        output.notice('Back up the identity file: a single admin who loses it loses every item. Or add a second one, "vault admin add", or an offline recovery identity: "vault init --recovery" when you begin, "vault admin add recovery --generate" later.');
      }
      output.notice('Next: "vault node add NAME --key LINE", then "vault create iam FILE".');
    } finally {
      identity?.wipe();
    }
  }

  private async loadOrGenerate(path: string, named: boolean, passphrase: boolean): Promise<Identity> {
    try {
      return await loadIdentity(path, passphrasePrompt('Passphrase of the identity: '));
    } catch (error) {
      if (named || !isVaultError(error, 'identity-missing')) throw error;
      return await generateIdentity(path, new Date(), passphrase ? newPassphrasePrompt() : undefined);
    }
  }
}
