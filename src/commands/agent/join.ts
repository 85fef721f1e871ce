import * as Flags from '@oclif/core/flags';
import { hostname } from 'node:os';
import { repositoryFlags } from '../../cli/flags.ts';
import { joinPlace } from '../../cli/joinPlace.ts';
import { parseDuration } from '../../cli/quantities.ts';
import { readTokenFile } from '../../cli/tokenFile.ts';
import { VaultCommand } from '../../cli/vaultCommand.ts';
import { isVaultError } from '../../errors.ts';
import { loadIdentity } from '../../config/identities.ts';
import { generateIdentity } from '../../operations/generateIdentity.ts';
import { join } from '../../operations/joining/join.ts';
import { parseToken } from '../../joining/token.ts';
import { nextOf, renderJoined } from '../../reporting/joining.ts';
import type { Identity } from '../../sealing/identity.ts';

export default class AgentJoin extends VaultCommand {
  static override summary = 'Ask to be let in as a node, with a token of "vault node invite".';
  static override description = 'Makes the node\'s identity where there is none, proves that this machine has the token and the private key, and files a request, which an admin or "vault refresh --watch" answers. Can be run again at any time: where the node is in, it does nothing. The token names the roster, so nothing is trusted on first use.';
  static override examples = [
    '<%= config.bin %> agent join --token-file /run/join.token --wait 5m',
    '<%= config.bin %> agent join --token-file - --repository /etc/iam-vault --name web17 < token',
  ];
  static override flags = {
    'token-file': Flags.string({ helpValue: 'FILE', description: 'file with the token, readable by its owner alone; - for standard input', exactlyOne: ['token-file', 'token'] }),
    'token': Flags.string({ helpValue: 'LINE', description: 'the token itself: everybody on this machine can see it meanwhile' }),
    'name': Flags.string({ helpValue: 'NAME', description: 'name of this node [default: its host name]' }),
    'identity': Flags.string({ char: 'i', helpValue: 'FILE', description: 'private key of the node, made where there is none [default: the agent\'s, or /etc/iam-vault/identity]' }),
    'wait': Flags.string({ helpValue: 'TIME', description: 'wait for the answer for so long, as 30s or 5m' }),
    'config': Flags.string({ char: 'c', helpValue: 'FILE', description: 'configuration of an agent whose source is etcd, in place of a repository', exclusive: ['repository'] }),
    'repository': repositoryFlags.repository,
  };

  override async run(): Promise<void> {
    const { flags } = await this.parse(AgentJoin);
    const output = this.output(flags);
    if (flags.token !== undefined) output.alert('A token that is an argument is in the list of processes, where everybody on this machine can read it. Use --token-file.');
    const token = parseToken(flags.token ?? await readTokenFile(flags['token-file'] ?? '-'));
    try {
      const place = await joinPlace(this.environment, flags, (named) => this.workspace(output, { repository: named }));
      const path = flags.identity ?? place.identity;
      const identity = await loadOrGenerate(path);
      const { publicKey } = identity;
      const name = flags.name ?? place.name ?? hostname();
      output.notice(`Joining as ${name} with the key ${publicKey.fingerprint}`);
      try {
        const joined = await join(place.workspace, { name, identity, token, wait: flags.wait === undefined ? 0 : parseDuration('--wait', flags.wait) });
        const { state, pin, repository } = joined;
        output.result({ name, state, fingerprint: publicKey.fingerprint, identity: path, pin, repository }, renderJoined({ name, path, ...joined }));
        output.notice(nextOf(state));
      } finally {
        identity.wipe();
      }
    } finally {
      token.seed.fill(0);
    }
  }
}

/** Two that run at once have one identity. */
async function loadOrGenerate(path: string): Promise<Identity> {
  try {
    return await loadIdentity(path);
  } catch (error) {
    if (!isVaultError(error, 'identity-missing')) throw error;
  }
  try {
    return await generateIdentity(path, new Date());
  } catch (error) {
    if (!isVaultError(error, 'identity-exists')) throw error;
    return await loadIdentity(path);
  }
}
