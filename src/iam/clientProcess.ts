import { exec } from 'node:child_process';
import * as z from 'zod';
import type { Secret } from '../secret.ts';

/** What a credential provider gives; the SDK's AwsCredentialIdentity. */
export interface AwsCredentials {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken?: string;
  readonly expiration?: Date;
}

/** Why a credential_process gave nothing. The texts hold nothing that the process printed. */
export class CredentialProcessError extends Error {
  override readonly name = 'CredentialProcessError';
  readonly exitCode: number | undefined;

  constructor(message: string, exitCode?: number) {
    super(message);
    this.exitCode = exitCode;
  }
}

const REPLY = z.object({
  Version: z.literal(1),
  AccessKeyId: z.string().min(1),
  SecretAccessKey: z.string().min(1),
  SessionToken: z.string().optional(),
  Expiration: z.string().optional(),
});

const MAX_OUTPUT_BYTES = 64 * 1024;
const TIMEOUT_MS = 60_000;

/**
 * Runs a profile's credential_process, through the shell as AWS's tools do, with nothing on its standard input.
 *
 * The SDK's fromProcess is not used: it finds no bare section and no name with a space, loses the exit code, waits for
 * ever, and puts the command line and all of standard error, either of which may hold a secret, into its message.
 * @throws CredentialProcessError
 * @see https://docs.aws.amazon.com/sdkref/latest/guide/feature-process-credentials.html
 */
export async function runCredentialProcess(command: Secret, signal?: AbortSignal): Promise<AwsCredentials> {
  const output = await outputOf(command, signal);
  const reply = REPLY.safeParse(jsonOrNothing(output));
  if (!reply.success) {
    throw new CredentialProcessError('its output is not the JSON that AWS documents (Version 1, AccessKeyId, SecretAccessKey)');
  }
  const { AccessKeyId, SecretAccessKey, SessionToken, Expiration } = reply.data;
  const expiration = Expiration === undefined ? undefined : new Date(Expiration);
  if (expiration !== undefined && !(expiration.getTime() > Date.now())) {
    throw new CredentialProcessError('it gave credentials that have expired');
  }
  return {
    accessKeyId: AccessKeyId,
    secretAccessKey: SecretAccessKey,
    ...(SessionToken === undefined ? {} : { sessionToken: SessionToken }),
    ...(expiration === undefined ? {} : { expiration }),
  };
}

function outputOf(command: Secret, signal: AbortSignal | undefined): Promise<string> {
  return new Promise((resolve, reject) => {
    const options = { maxBuffer: MAX_OUTPUT_BYTES, timeout: TIMEOUT_MS, ...(signal === undefined ? {} : { signal }) };
    const child = exec(command.reveal(), options, (error, stdout) => {
      if (error === null) resolve(stdout);
      else if (typeof error.code === 'number') reject(new CredentialProcessError(`it exited with code ${String(error.code)}`, error.code));
      else if (error.killed === true) reject(new CredentialProcessError('it was ended, having run too long or printed too much'));
      else reject(new CredentialProcessError('it could not be run to its end'));
    });
    child.stdin?.end();
  });
}

function jsonOrNothing(output: string): unknown {
  try {
    return JSON.parse(output);
  } catch {
    return undefined; // The parser's message would quote the output.
  }
}
