import { parseAgentConfiguration, type AgentConfiguration } from '../agent/configuration/configuration.ts';
import { VaultError } from '../errors.ts';
import { readRegularFile } from '../files/read.ts';
import { isOthersToChange } from '../files/trusted.ts';

/** Where the agent's configuration is looked for when none is named. */
export const DEFAULT_AGENT_FILE = '/etc/iam-vault/agent.json';

const MAX_BYTES = 4 << 20;

/**
 * Reads the agent's configuration. Whoever can write it decides what is run as the agent's user: so it must be that user's or root's, and nobody
 * else's to write.
 * @throws VaultError input-unreadable, and every code of parseAgentConfiguration
 */
export async function readAgentFile(path: string, uid: number | undefined): Promise<AgentConfiguration> {
  const file = await readRegularFile(path, { maxBytes: MAX_BYTES, followLink: true });
  if (file === undefined) {
    throw new VaultError('input-unreadable', `There is no configuration of the agent at ${path}.`, { hint: 'Write one (docs/agent.md has an example), or name another with --config.', details: { source: path } });
  }
  if (isOthersToChange(file, uid)) {
    throw new VaultError('input-unreadable', `${path} can be written by others than the agent's user (owner ${String(file.uid)}, mode ${file.mode.toString(8).padStart(4, '0')}), who could then run commands as that user.`, {
      hint: `Run "chown root ${path}" and "chmod go-w ${path}".`, details: { source: path, owner: file.uid, mode: file.mode },
    });
  }
  return parseAgentConfiguration(file.bytes, path);
}
