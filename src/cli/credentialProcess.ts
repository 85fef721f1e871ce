import { dirname } from 'node:path';
import { agentSocket, readAgentBytes } from '../config/agentPlace.ts';
import type { Environment } from '../config/environment.ts';
import { trustedPath } from '../files/trusted.ts';
import { checkName } from '../names.ts';
import type { Workspace } from '../operations/workspace.ts';
import { askAgent, askEndpoint, type ProcessCredentials } from './askForCredentials.ts';

/** As the schema of the configuration has it, which is not loaded for this. */
const DEFAULT_ENDPOINT = 'http://127.0.0.1:9911';

export interface CredentialsRequest {
  readonly vault: string;
  readonly item: string;
  readonly environment: Environment;
  /** The agent's configuration, and whether a person named it. */
  readonly config: string;
  readonly isConfigNamed: boolean;
  /** Of a consumer of the endpoint. */
  readonly tokenFile: string | undefined;
  readonly endpoint?: string | undefined;
  readonly repository?: string | undefined;
  readonly identity?: string | undefined;
  /** Opens the repository that is named, or that lies around. */
  readonly workspace: () => Promise<Workspace>;
}

/**
 * AWS credentials of an item, from where they are nearest: the endpoint or repository that is named, the running agent, what that would use, or a
 * repository that lies around. What is loaded for the first three is little: SDKs wait for it.
 * @throws VaultError
 */
export async function credentialsFor(request: CredentialsRequest): Promise<ProcessCredentials> {
  const { environment, config, isConfigNamed, tokenFile, endpoint = DEFAULT_ENDPOINT, repository, identity, workspace } = request;
  const ref = { vault: checkName('vault', request.vault), item: checkName('item', request.item) };
  if (tokenFile !== undefined) return await askEndpoint(endpoint, tokenFile, ref.vault, ref.item);
  if (repository === undefined && identity === undefined) {
    const socket = await agentSocket(config, environment.uid);
    await trustedPath(dirname(socket)); // Whoever has a socket there decides in whose account this user works.
    const served = await askAgent(socket, ref.vault, ref.item);
    if (served !== undefined) return served;
    if (isConfigNamed || await readAgentBytes(config, environment.uid) !== undefined) {
      const { openWithoutAgent } = await import('./withoutAgent.ts');
      return await openWithoutAgent(environment, config, ref);
    }
  }
  const { openHere } = await import('./withoutAgent.ts');
  return await openHere(environment, await workspace(), ref, identity);
}
