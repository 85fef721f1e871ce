import { isAbsolute, join } from 'node:path';
import { CONTROL_SOCKET } from '../agent/control/socket.ts';
import { VaultError } from '../errors.ts';
import { readRegularFile } from '../files/read.ts';
import { isOthersToChange } from '../files/trusted.ts';

/** Where the agent's configuration is looked for when none is named. */
export const DEFAULT_AGENT_FILE = '/etc/iam-vault/agent.json';

/** Where the agent has its socket when its configuration says nothing. */
const DEFAULT_RUNTIME_DIRECTORY = '/run/iam-vault';

const MAX_BYTES = 4 << 20;

/**
 * Bytes of the agent's configuration; undefined where there is none. Whoever can write it decides what is run as the agent's user, and whom that user
 * asks for credentials: so it must be that user's or root's, and nobody else's to write.
 * @throws VaultError input-unreadable, input-too-large
 */
export async function readAgentBytes(path: string, uid: number | undefined): Promise<Uint8Array | undefined> {
  const file = await readRegularFile(path, { maxBytes: MAX_BYTES, followLink: true });
  if (file === undefined) return undefined;
  if (isOthersToChange(file, uid)) {
    throw new VaultError('input-unreadable', `${path} can be written by others than the agent's user (owner ${String(file.uid)}, mode ${file.mode.toString(8).padStart(4, '0')}), who could then run commands as that user.`, {
      hint: `Run "chown root ${path}" and "chmod go-w ${path}".`, details: { source: path, owner: file.uid, mode: file.mode },
    });
  }
  return file.bytes;
}

/**
 * Path of the running agent's socket, for which its configuration is read no further than that: who only asks the agent need not check it.
 * @throws VaultError input-unreadable, input-too-large, input-not-json
 */
export async function agentSocket(path: string, uid: number | undefined): Promise<string> {
  const bytes = await readAgentBytes(path, uid);
  return join((bytes === undefined ? undefined : runtimeDirectoryIn(bytes, path)) ?? DEFAULT_RUNTIME_DIRECTORY, CONTROL_SOCKET);
}

function runtimeDirectoryIn(bytes: Uint8Array, path: string): string | undefined {
  let found: unknown;
  try {
    found = JSON.parse(new TextDecoder().decode(bytes));
  } catch {
    throw new VaultError('input-not-json', `${path} is not JSON, so it does not say where the agent's socket is.`, {
      hint: `See what is wrong with it: vault agent check --config ${path}. An agent that runs goes on with what it read before.`, details: { source: path },
    });
  }
  if (found === null || typeof found !== 'object' || !('runtime_directory' in found)) return undefined;
  const { runtime_directory: directory } = found;
  return typeof directory === 'string' && isAbsolute(directory) ? directory : undefined;
}
