import { open } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { VaultError } from '../errors.ts';

/** No AWS configuration that people keep comes near this. */
const MAX_BYTES = 1 << 20;

export interface AwsFilePaths {
  readonly config: string;
  readonly credentials: string;
}

/**
 * Where AWS's tools look for the two files.
 * @see https://docs.aws.amazon.com/sdkref/latest/guide/file-location.html
 */
export function awsFilePaths(env: NodeJS.ProcessEnv): AwsFilePaths {
  const home = env['HOME'] ?? env['USERPROFILE'] ?? homedir();
  const expand = (path: string): string => (path.startsWith('~/') ? join(home, path.slice(2)) : path);
  return {
    config: expand(env['AWS_CONFIG_FILE'] || join(home, '.aws', 'config')),
    credentials: expand(env['AWS_SHARED_CREDENTIALS_FILE'] || join(home, '.aws', 'credentials')),
  };
}

/**
 * The text of a file, or undefined where there is none.
 * Reads no more than the limit, whatever the file's stated size: it may be a pipe or a device.
 * @throws VaultError input-unreadable, input-too-large
 */
export async function readAwsFile(path: string): Promise<string | undefined> {
  const chunks: Buffer[] = [];
  let size = 0;
  try {
    const handle = await open(path);
    for await (const chunk of handle.createReadStream({ end: MAX_BYTES }) as AsyncIterable<Buffer>) {
      size += chunk.byteLength;
      chunks.push(chunk);
    }
  } catch (cause) {
    const errno = cause instanceof Error && 'code' in cause ? String(cause.code) : 'unknown';
    if (errno === 'ENOENT' || errno === 'ENOTDIR') return undefined;
    throw new VaultError('input-unreadable', `${JSON.stringify(path)} cannot be read (${errno}).`, {
      cause,
      details: { source: path, errno },
    });
  }
  if (size > MAX_BYTES) {
    throw new VaultError('input-too-large', `${JSON.stringify(path)} has more than ${String(MAX_BYTES)} bytes.`, {
      hint: 'Set AWS_CONFIG_FILE and AWS_SHARED_CREDENTIALS_FILE to the AWS configuration that you mean.',
      details: { source: path, maxBytes: MAX_BYTES },
    });
  }
  return Buffer.concat(chunks).toString('utf8');
}
