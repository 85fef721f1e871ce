import { request, type RequestOptions } from 'node:http';
import { readRegularFile } from '../files/read.ts';
import { VaultError, type ErrorCode } from '../errors.ts';
import { exitCodeOf } from '../reporting/exitCodes.ts';

/** A reply is a few hundred bytes. */
const MAX_BYTES = 1 << 16;
/** As long as STS may take. */
const TIMEOUT_MS = 40_000;

/** What a credential_process prints: AWS's format, version 1. */
export interface ProcessCredentials {
  readonly Version: 1;
  readonly AccessKeyId: string;
  readonly SecretAccessKey: string;
  readonly SessionToken?: string;
  readonly Expiration: string;
}

/**
 * Asks the agent over its control socket.
 * @returns undefined where no agent runs there
 * @throws VaultError agent-unreachable, and what the agent answers with
 */
export async function askAgent(socketPath: string, vault: string, item: string): Promise<ProcessCredentials | undefined> {
  let reply;
  try {
    reply = await get({ socketPath, path: `/v1/credentials/${vault}/${item}` });
  } catch (cause) {
    const code = codeOf(cause);
    if (code === 'ENOENT' || code === 'ECONNREFUSED' || code === 'ENOTDIR') return undefined;
    throw new VaultError('agent-unreachable', `The agent cannot be asked at ${socketPath}: ${code ?? 'no reply'}.`, {
      cause, details: { socket: socketPath },
      hint: code === 'EACCES' ? 'Only the agent\'s own user may. Others are consumers of its endpoint: give --token-file.' : 'See "vault agent status".',
    });
  }
  if (reply.status === 200) return credentialsIn(reply.body);
  const { code, message, hint } = errorIn(reply.body);
  throw new VaultError(isErrorCode(code) ? code : 'agent-unreachable', message ?? `The agent answered with status ${String(reply.status)}.`, { hint, details: { vault, item } });
}

/**
 * Asks the agent's endpoint, as one of its consumers.
 * @param endpoint its URL without a path
 * @throws VaultError agent-unreachable, input-unreadable, usage
 */
export async function askEndpoint(endpoint: string, tokenFile: string, vault: string, item: string): Promise<ProcessCredentials> {
  const url = URL.canParse(endpoint) ? new URL(endpoint) : undefined;
  if (url?.protocol !== 'http:' || !/^(?:localhost|127(?:\.\d{1,3}){3}|\[::1\])$/.test(url.hostname)) {
    throw new VaultError('usage', `${endpoint} is no URL of an agent: expected http and this machine itself, as http://127.0.0.1:9911.`);
  }
  const token = await readRegularFile(tokenFile, { maxBytes: 1024, followLink: true });
  if (token === undefined) throw new VaultError('input-unreadable', `There is no token at ${tokenFile}.`, { hint: 'The agent writes it where the configuration says for this consumer.', details: { source: tokenFile } });
  let reply;
  try {
    reply = await get({
      host: url.hostname.replace(/^\[|\]$/g, ''), port: url.port === '' ? 80 : url.port, path: `/v1/credentials/${vault}/${item}`,
      headers: { authorization: new TextDecoder().decode(token.bytes).trim() },
    });
  } catch (cause) {
    throw new VaultError('agent-unreachable', `The agent's endpoint cannot be asked at ${url.origin}: ${codeOf(cause) ?? 'no reply'}.`, { cause, hint: 'Does the agent run, with an "endpoint" on that port?', details: { endpoint: url.origin } });
  }
  if (reply.status !== 200) {
    const { message } = errorIn(reply.body);
    throw new VaultError('agent-unreachable', `The agent's endpoint gives nothing for ${vault}/${item}: status ${String(reply.status)}${message === undefined ? '' : `, ${message}`}`, {
      hint: reply.status === 503 ? 'Its log says why.' : 'Check which items the configuration gives this consumer, and whose token that is.', details: { status: reply.status },
    });
  }
  return credentialsIn(reply.body);
}

function get(options: RequestOptions): Promise<{ readonly status: number; readonly body: string }> {
  return new Promise((resolve, reject) => {
    const asked = request({ ...options, agent: false, timeout: TIMEOUT_MS }, (response) => {
      let body = '';
      response.setEncoding('utf8').on('error', reject).on('data', (part: string) => {
        body += part;
        if (body.length > MAX_BYTES) asked.destroy(new Error('too long'));
      }).on('end', () => { resolve({ status: response.statusCode ?? 0, body }); });
    });
    asked.on('timeout', () => { asked.destroy(Object.assign(new Error('no reply'), { code: 'ETIMEDOUT' })); }).on('error', reject).end();
  });
}

/** Of either form; nothing but what is known is passed on. */
function credentialsIn(body: string): ProcessCredentials {
  const { AccessKeyId, SecretAccessKey, SessionToken, Token, Expiration } = objectIn(body);
  const token = SessionToken ?? Token;
  if (typeof AccessKeyId !== 'string' || typeof SecretAccessKey !== 'string' || typeof Expiration !== 'string' || (token !== undefined && typeof token !== 'string')) {
    throw new VaultError('agent-unreachable', 'What answered is no agent: the reply holds no credentials.', { hint: 'Check the port, or the runtime_directory of the configuration.' });
  }
  return { Version: 1, AccessKeyId, SecretAccessKey, ...(token === undefined || token === '' ? {} : { SessionToken: token }), Expiration };
}

/** Of the control socket `{error: {code, message, hint}}`, of the endpoint `{Code, Message}`. */
function errorIn(body: string): { readonly code: string | undefined; readonly message: string | undefined; readonly hint: string | undefined } {
  const { error, Message } = objectIn(body);
  const { code, message, hint } = typeof error === 'object' && error !== null ? error as Readonly<Record<string, unknown>> : {};
  return { code: textOf(code), message: textOf(message) ?? textOf(Message), hint: textOf(hint) };
}

function objectIn(body: string): Readonly<Record<string, unknown>> {
  try {
    const value = JSON.parse(body) as unknown;
    return typeof value === 'object' && value !== null ? value as Readonly<Record<string, unknown>> : {};
  } catch {
    return {};
  }
}

function textOf(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined;
}

function codeOf(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error ? textOf(error.code) : undefined;
}

function isErrorCode(code: string | undefined): code is ErrorCode {
  return code !== undefined && exitCodeOf(code as ErrorCode) > 0;
}
