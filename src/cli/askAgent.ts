import { request } from 'node:http';
import { agentStatusSchema, type AgentStatus } from '../agent/status.ts';
import { VaultError } from '../errors.ts';

/** With 10,000 items a status has a few MB. */
const MAX_BYTES = 64 << 20;
const TIMEOUT_MS = 10_000;

/**
 * Asks a running agent how it is.
 * @param socketPath of its control socket
 * @throws VaultError agent-unreachable
 */
export async function askAgentStatus(socketPath: string): Promise<AgentStatus> {
  const { status, body } = await get(socketPath, '/v1/status').catch((cause: unknown) => { throw unreachable(socketPath, cause); });
  if (status === 503) {
    throw new VaultError('agent-unreachable', `The agent at ${socketPath} is starting.`, { hint: 'Ask again in a moment; its log says what it does.', details: { socket: socketPath } });
  }
  const found = status === 200 ? agentStatusSchema.safeParse(valueOf(body)) : undefined;
  if (found?.success === true) return found.data;
  throw new VaultError('agent-unreachable', `What answers at ${socketPath} is no agent of this version.`, {
    hint: 'If iam-vault was updated, restart the agent.', details: { socket: socketPath, status },
  });
}

function get(socketPath: string, path: string): Promise<{ readonly status: number; readonly body: Buffer }> {
  return new Promise((resolve, reject) => {
    const asked = request({ socketPath, path, agent: false, timeout: TIMEOUT_MS }, (response) => {
      const parts: Buffer[] = [];
      let size = 0;
      response.on('error', reject).on('data', (part: Buffer) => {
        parts.push(part);
        size += part.length;
        if (size > MAX_BYTES) asked.destroy(new Error('the reply is too long'));
      }).on('end', () => { resolve({ status: response.statusCode ?? 0, body: Buffer.concat(parts) }); });
    });
    const timer = setTimeout(() => { asked.destroy(Object.assign(new Error('no reply'), { code: 'ETIMEDOUT' })); }, TIMEOUT_MS);
    asked.on('error', reject).on('close', () => { clearTimeout(timer); }).end();
  });
}

function valueOf(body: Buffer): unknown {
  try {
    return JSON.parse(body.toString('utf8'));
  } catch {
    return undefined;
  }
}

function unreachable(socketPath: string, cause: unknown): VaultError {
  const code = cause instanceof Error && 'code' in cause && typeof cause.code === 'string' ? cause.code : 'no reply';
  const [what, hint] = code === 'ENOENT' || code === 'ECONNREFUSED' || code === 'ENOTDIR'
    ? [`No agent runs at ${socketPath}.`, 'Start it ("vault agent run", or its systemd unit), or name the configuration of another with --config.']
    : [`The agent cannot be asked at ${socketPath}: ${code}.`, code === 'EACCES' ? 'Only root and the agent\'s own user may ask it.' : 'Its log may say why.'];
  return new VaultError('agent-unreachable', what, { cause, hint, details: { socket: socketPath } });
}
