import { randomBytes } from 'node:crypto';
import { basename, dirname, join } from 'node:path';
import { isVaultError, VaultError } from '../../errors.ts';
import { accountNumber } from '../../files/accounts.ts';
import { listDirectory, readRegularFile, realPath, type ReadFile } from '../../files/read.ts';
import { trustedDirectory } from '../../files/trusted.ts';
import { removeFile, replaceFile } from '../../files/write.ts';
import type { ConsumerConfiguration } from '../configuration/schema.ts';

/** 32 random bytes; nothing that a header or a shell minds. No line feed follows it, for SDKs send the file as it is. */
const TOKEN = /^[\w-]{43}$/;

/** The files in which consumers find their tokens. */
export interface TokenFiles {
  /**
   * Sees that there is a file for each consumer. One that is there is kept, so that programs that run go on across a restart of the agent; where it is
   * missing, or is not what the configuration says in owner, group, mode or kind, there is a new token.
   * @param directory for files that the configuration does not place
   * @returns tokens, by the consumer's name
   * @throws VaultError store-unreachable, usage
   */
  ensure(consumers: readonly ConsumerConfiguration[], directory: string): Promise<ReadonlyMap<string, string>>;
  /** Removes what was there for consumers before the last {@link ensure}. */
  removeOthers(): Promise<void>;
}

export function openTokenFiles(): TokenFiles {
  const places = new Set<string>();
  let current: ReadonlySet<string> = new Set();
  let own: string | undefined;
  return {
    async ensure(consumers, directory) {
      const tokens = new Map<string, string>();
      const paths = new Set<string>();
      for (const consumer of consumers) {
        const { token_file: chosen = join(directory, consumer.name) } = consumer;
        const path = join(await trustedDirectory(dirname(chosen)), basename(chosen));
        if (paths.has(path)) throw new VaultError('usage', `Two consumers would have the token in ${path}.`, { hint: 'Give each a token_file of its own.', details: { path } });
        places.add(path);
        paths.add(path);
        tokens.set(consumer.name, await ensureToken(path, consumer));
      }
      current = paths;
      own = await realPath(directory);
      return tokens;
    },
    async removeOthers() {
      // In our own directory also those of a configuration that this process never read.
      const here = own === undefined ? [] : (await listDirectory(own)).map((name) => join(own ?? '', name));
      for (const path of new Set([...places, ...here])) {
        if (current.has(path)) continue;
        await removeFile(path);
        places.delete(path);
      }
    },
  };
}

async function ensureToken(path: string, access: Pick<ConsumerConfiguration, 'owner' | 'group' | 'mode'>): Promise<string> {
  const ids = {
    uid: access.owner === undefined ? undefined : await accountNumber('user', access.owner),
    gid: access.group === undefined ? undefined : await accountNumber('group', access.group),
  };
  const wanted = { uid: ids.uid ?? process.geteuid?.(), gid: ids.gid ?? process.getegid?.(), mode: access.mode };
  const file = await readRegularFile(path, { maxBytes: 64 }).catch((error: unknown) => {
    if (isVaultError(error, 'input-unreadable', 'input-too-large')) return undefined; // A link, a directory, something else: not ours.
    throw error;
  });
  const kept = file === undefined ? undefined : tokenIn(file, wanted);
  if (kept !== undefined) return kept;
  const token = randomBytes(32).toString('base64url');
  await replaceFile(path, new TextEncoder().encode(token), { mode: access.mode, ...ids });
  return token;
}

function tokenIn({ bytes, uid, gid, mode }: ReadFile, wanted: { readonly uid: number | undefined; readonly gid: number | undefined; readonly mode: number }): string | undefined {
  const text = new TextDecoder().decode(bytes);
  return uid === wanted.uid && gid === wanted.gid && mode === wanted.mode && TOKEN.test(text) ? text : undefined;
}
