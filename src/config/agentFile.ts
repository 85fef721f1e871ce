import { parseAgentDocument, type AgentConfiguration } from '../agent/configuration/configuration.ts';
import { VaultError } from '../errors.ts';
import { trustedPath } from '../files/trusted.ts';
import { readAgentBytes } from './agentPlace.ts';

/**
 * Reads the agent's configuration, and looks at whose its directories are.
 * @throws VaultError input-unreadable, input-too-large, store-unreachable, and every code of parseAgentConfiguration
 */
export async function readAgentFile(path: string, uid: number | undefined): Promise<AgentConfiguration> {
  const { configuration } = await readAgentDocument(path, uid);
  for (const member of OWN_DIRECTORIES) await trustedPath(configuration[member]);
  return configuration;
}

/** What is read there is believed, and goes before the configuration: which roster was trusted, which files the agent made and may remove. */
export const OWN_DIRECTORIES = ['state_directory', 'runtime_directory'] as const;

/** {@link readAgentFile}, with the text. */
export async function readAgentDocument(path: string, uid: number | undefined): Promise<ReturnType<typeof parseAgentDocument>> {
  const bytes = await readAgentBytes(path, uid);
  if (bytes === undefined) {
    throw new VaultError('input-unreadable', `There is no configuration of the agent at ${path}.`, { hint: 'Write one (docs/agent.md has an example), or name another with --config.', details: { source: path } });
  }
  return parseAgentDocument(bytes, path);
}
