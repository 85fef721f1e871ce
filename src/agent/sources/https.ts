import { VaultError } from '../../errors.ts';
import { parseKeys } from '../../items/model.ts';
import { KEYS_SUFFIX } from '../../names.ts';
import { digestOf } from '../../sealing/encoding.ts';
import type { ItemRef } from '../../sealing/dataKey.ts';
import { refText } from '../configuration/configuration.ts';
import type { SourceConfiguration } from '../configuration/schema.ts';
import type { Source, SourceReply } from '../source.ts';
import { openWebClient, type Validators, type WebReply } from './webClient.ts';

/** An item's keys name every recipient: 60,000 fit. */
const MAX_ITEM_BYTES = 16 << 20;
const MAX_ROSTER_BYTES = 4 << 20;
/** Waits before a pair of files is asked for again that do not belong together, in milliseconds: the server's files may be being replaced. */
const MIXED_WAITS = [200, 400, 800];

/**
 * The files of a repository on a web server. Most rounds ask one small question an item, whether ITEM_keys.json changed: its signed header names the
 * ITEM.json that goes with it.
 * @param authorities certificates, in PEM, of those that alone may vouch for the server
 */
export function httpsSource({ url, poll, timeout }: Extract<SourceConfiguration, { type: 'https' }>, authorities: Uint8Array | undefined): Source {
  const web = openWebClient(url, { timeoutMs: timeout, authorities });
  const items = new Map<string, Validators & { readonly version: string }>();
  /** The version of the roster that was got last; the server has not changed it while it says so. */
  let roster: (Validators & { readonly version: number; readonly bytes: Uint8Array }) | undefined;

  const keysPath = ({ vault, item }: ItemRef): string[] => ['data_bags', vault, `${item}${KEYS_SUFFIX}.json`];
  const readPair = async (ref: ItemRef, validators: Validators | undefined, signal: AbortSignal): Promise<{ keys: WebReply; item?: WebReply }> => {
    const keys = await web.get(keysPath(ref), { maxBytes: MAX_ITEM_BYTES, signal, validators });
    if (keys.kind !== 'found') return { keys };
    return { keys, item: await web.get(['data_bags', ref.vault, `${ref.item}.json`], { maxBytes: MAX_ITEM_BYTES, signal }) };
  };

  return {
    location: url,
    pollMs: poll,
    async readItem(ref, version, signal): Promise<SourceReply> {
      const name = refText(ref);
      const last = items.get(name);
      const validators = version !== undefined && last?.version === version ? last : undefined;
      for (let attempt = 0; ; attempt++) {
        const { keys, item } = await readPair(ref, attempt === 0 ? validators : undefined, signal);
        if (keys.kind === 'unchanged') return { kind: 'unchanged' };
        items.delete(name);
        if (keys.kind === 'absent') return { kind: 'absent' };
        const isWhole = item?.kind === 'found' && belongTogether(keys.bytes, item.bytes);
        const wait = MIXED_WAITS[attempt];
        if (!isWhole && wait !== undefined) {
          await pause(wait, signal);
          continue;
        }
        if (item?.kind !== 'found') {
          throw new VaultError('document-invalid', `${name} is incomplete: ${url} has its ${ref.item}${KEYS_SUFFIX}.json, and no ${ref.item}.json.`, { hint: 'Deploy both files of the item.', details: { ...ref } });
        }
        const found = digestOf(keys.bytes) + digestOf(item.bytes);
        if (isWhole) items.set(name, { version: found, etag: keys.etag, modified: keys.modified });
        if (found === version) return { kind: 'unchanged' };
        return { kind: 'found', documents: { keys: keys.bytes, item: item.bytes }, version: isWhole ? found : undefined };
      }
    },
    async readRoster(version, signal) {
      const last = roster?.version === version ? roster : undefined;
      // A server that does not list its files may answer so for what is not there: believed where it has just given the version before.
      const reply = await web.get(['trust', `${String(version)}.json`], { maxBytes: MAX_ROSTER_BYTES, signal, validators: last, forbiddenIsAbsent: roster?.version === version - 1 });
      if (reply.kind === 'unchanged') return last?.bytes;
      if (reply.kind === 'absent') return undefined;
      roster = { version, bytes: reply.bytes, etag: reply.etag, modified: reply.modified };
      return reply.bytes;
    },
    follow: () => () => { web.close(); },
  };
}

/** True also for what is damaged: verification tells how. */
function belongTogether(keys: Uint8Array, item: Uint8Array): boolean {
  try {
    return parseKeys(keys, 'keys').header.item_digest === digestOf(item);
  } catch {
    return true;
  }
}

async function pause(ms: number, signal: AbortSignal): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    const timer = setTimeout(() => {
      signal.removeEventListener('abort', end);
      resolve();
    }, ms);
    const end = (): void => {
      clearTimeout(timer);
      reject(new VaultError('interrupted', 'Interrupted.'));
    };
    signal.addEventListener('abort', end, { once: true });
  });
}
