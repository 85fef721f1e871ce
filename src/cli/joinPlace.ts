import { join } from 'node:path';
import { variable, type Environment } from '../config/environment.ts';
import { readAgentFile } from '../config/agentFile.ts';
import { openEtcdOf } from '../config/agentSettings.ts';
import { VaultError } from '../errors.ts';
import type { Workspace } from '../operations/workspace.ts';
import { openStateDirectory } from '../state/stateDirectory.ts';

/** Where a node joins, and what is known there of the node. */
export interface JoinPlace {
  readonly workspace: Workspace;
  /** File of its private key, where nobody names another. */
  readonly identity: string;
  readonly name?: string | undefined;
}

const NODE_IDENTITY = '/etc/iam-vault/identity';

/**
 * The etcd that an agent's configuration names, or a repository.
 * @throws VaultError input-*; store-unsupported, where the agent's source is no etcd
 */
export async function joinPlace(environment: Environment, { config, repository }: { readonly config?: string | undefined; readonly repository?: string | undefined }, open: (repository: string | undefined) => Promise<Workspace>): Promise<JoinPlace> {
  const named = variable(environment, 'VAULT_IDENTITY');
  if (config === undefined) return { workspace: await open(repository), identity: named ?? NODE_IDENTITY };
  const { source, identity, state_directory: state, report } = await readAgentFile(config, environment.uid);
  if (source.type !== 'etcd') {
    throw new VaultError('store-unsupported', `The source in ${config} is no etcd, and nobody can be asked there.`, { hint: 'Name a repository in etcd with --repository, or give the agent such a source.', details: { source: source.type } });
  }
  const { notice, warn } = { notice: () => undefined, warn: () => undefined };
  return {
    // Beside what the agent remembers, which is its own to write.
    workspace: { store: await openEtcdOf(source), state: openStateDirectory(join(state, 'joining')), now: () => new Date(), notice, warn },
    identity, name: report?.node,
  };
}
