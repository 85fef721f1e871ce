import { parseAgentDocument, type AgentConfiguration } from '../agent/configuration/configuration.ts';
import { VaultError } from '../errors.ts';
import { readAgentBytes } from './agentPlace.ts';

/**
 * Reads the agent's configuration.
 * @throws VaultError input-unreadable, input-too-large, and every code of parseAgentConfiguration
 */
export async function readAgentFile(path: string, uid: number | undefined): Promise<AgentConfiguration> {
  return (await readAgentDocument(path, uid)).configuration;
}

/** {@link readAgentFile}, with the text. */
export async function readAgentDocument(path: string, uid: number | undefined): Promise<ReturnType<typeof parseAgentDocument>> {
  const bytes = await readAgentBytes(path, uid);
  if (bytes === undefined) {
    throw new VaultError('input-unreadable', `There is no configuration of the agent at ${path}.`, { hint: 'Write one (docs/agent.md has an example), or name another with --config.', details: { source: path } });
  }
  return parseAgentDocument(bytes, path);
}
