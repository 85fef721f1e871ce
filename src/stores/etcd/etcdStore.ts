import { setTimeout as delay } from 'node:timers/promises';
import { VaultError } from '../../errors.ts';
import { checkName } from '../../names.ts';
import { isDigest, requireDigest } from '../proposalName.ts';
import type { ChangeStore } from '../changes.ts';
import type { ElectionStore } from '../election.ts';
import type { LiveStore } from '../live.ts';
import type { JoinStore } from '../joining.ts';
import type { ReportStore } from '../reports.ts';
import type { Store } from '../store.ts';
import { openChangeKeys } from './changeKeys.ts';
import { openClient, type EtcdClient, type EtcdSettings } from './client.ts';
import { openElectionKeys } from './electionKeys.ts';
import { listInventoryKeyNames, listInventoryKeys, readInventoryKey, removeInventoryKey, writeInventoryKey } from './inventoryKeys.ts';
import { followItems } from './followItems.ts';
import { isWritten, listItemKeys, readItemKeys, readItemKeysAs, readKeysHead, readRawKeys, type ItemKeys } from './itemKeys.ts';
import { openJoinKeys } from './joinKeys.ts';
import { MOST_REQUEST_BYTES, NOTHING, openKeyValues, type Fence } from './keyValues.ts';
import { BASIS, headKey, MIGRATION, PROPOSALS, rosterKey } from './layout.ts';
import { openReportKeys } from './reportKeys.ts';
import { removeItemKeys, writeItemKeys } from './writeItem.ts';

/** A repository in etcd. */
export interface EtcdStore extends Store, LiveStore {
  readonly reports: ReportStore;
  readonly joining: JoinStore;
  readonly election: ElectionStore;
  readonly changes: ChangeStore;
}

const PAUSE_MS = 20;

/**
 * Opens a repository below one prefix of an etcd (docs/etcd.md). Connects when it is first asked.
 * @param location where the reader found it: pins are kept by that place, for whoever writes the settings chooses the endpoints
 */
export function openEtcdStore(location: string, settings: EtcdSettings): EtcdStore {
  return openStoreOf(location, openClient(settings));
}

/** @param fence what its writes go by */
function openStoreOf(location: string, client: EtcdClient, fence?: Fence): EtcdStore {
  const keyValues = openKeyValues(client, fence);
  const keys: ItemKeys = { keyValues, source: (key) => `etcd:${client.prefix}${key}` };
  const read = async (key: string): Promise<Uint8Array | undefined> => (await keyValues.read([key])).found[0]?.value;
  const proposalKey = (digest: string): string => `${PROPOSALS}${requireDigest(digest)}`;

  const store: EtcdStore = {
    location,
    directory: undefined,
    joining: openJoinKeys(client, keys),
    reports: openReportKeys(client, keyValues),
    election: openElectionKeys(client, openKeyValues(client), keyValues, (own) => openStoreOf(location, client, own)),
    changes: openChangeKeys(client),
    get live() { return store; },
    readItem: (ref) => readItemKeys(keys, ref),
    readHead: (ref) => readKeysHead(keys, ref),
    writeItem: (ref, documents, expected, premises) => writeItemKeys(keys, ref, documents, expected, premises),
    removeItem: (ref, expected) => removeItemKeys(keys, ref, expected),
    readRaw: (ref) => readRawKeys(keys, ref),
    // Nothing but heads lies where items are; what another program put there is found damaged.
    listForeign: (vault) => Promise.resolve(checkName('vault', vault)).then(() => []),
    requireFree: (ref) => Promise.resolve().then(() => void headKey(ref)),
    // A head is replaced in one step: there is nothing to finish.
    finishItem: () => Promise.resolve(),
    finishItems: () => Promise.resolve(),
    listItems: (vault) => listItemKeys(keys, vault),
    readRoster: (version) => read(rosterKey(version)),
    async writeRoster(version, bytes) {
      const key = rosterKey(version);
      requireSize(bytes, keys.source(key));
      const outcome = await keyValues.commit({ unchanged: { [key]: 0 }, put: [[key, bytes], [BASIS, NOTHING]], otherwise: [key] });
      if (outcome.done || (outcome.repeated && isWritten(outcome.found[0], bytes))) return;
      throw new VaultError('store-conflict', `Version ${String(version)} of the roster exists already.`, { details: { version } });
    },
    async withdrawRoster() {
      await keyValues.commit({ remove: [rosterKey(1)], put: [[BASIS, NOTHING]] });
    },
    listProposals: async () => (await keyValues.names(PROPOSALS)).filter(isDigest),
    readProposal: async (digest) => await read(proposalKey(digest)),
    async changeProposal(digest, change) {
      const key = proposalKey(digest);
      for (let written: Uint8Array | undefined; ;) {
        const { found: [present] } = await keyValues.read([key]);
        if (written !== undefined && isWritten(present, written)) return; // By an attempt whose answer was lost.
        const next = change(present?.value);
        if (next !== undefined) requireSize(next, keys.source(key));
        const outcome = await keyValues.commit({ unchanged: { [key]: present?.revision ?? 0 }, ...(next === undefined ? { remove: [key] } : { put: [[key, next]] }) });
        if (outcome.done) return;
        if (outcome.repeated) written = next;
        await delay(PAUSE_MS * Math.random());
      }
    },
    readInventory: (kind, name) => Promise.resolve().then(() => readInventoryKey(keys, kind, name)),
    listInventory: (kind) => listInventoryKeys(keys, kind),
    listInventoryNames: (kind) => listInventoryKeyNames(keys, kind),
    writeInventory: (kind, name, bytes) => Promise.resolve().then(() => writeInventoryKey(keys, kind, name, bytes)),
    removeInventory: (kind, name) => Promise.resolve().then(() => removeInventoryKey(keys, kind, name)),
    readMigration: () => read(MIGRATION),
    async writeMigration(bytes) {
      await keyValues.commit(bytes === undefined ? { remove: [MIGRATION] } : { put: [[MIGRATION, bytes]] });
    },
    readItemAs: (ref, fingerprint, known, told) => readItemKeysAs(keys, ref, fingerprint, known, told),
    async readRosterAt(version) {
      const { found: [stored], revision } = await keyValues.read([rosterKey(version)]);
      return { bytes: stored?.value, at: revision };
    },
    follow: (refs, listener) => followItems(client, refs, listener),
    close: () => { client.close(); },
  };
  return store;
}

function requireSize(bytes: Uint8Array, source: string): void {
  if (bytes.length <= MOST_REQUEST_BYTES) return;
  throw new VaultError('input-too-large', `${source} would have ${String(bytes.length)} bytes; etcd takes ${String(MOST_REQUEST_BYTES)} at once.`, { details: { source, size: bytes.length, maxBytes: MOST_REQUEST_BYTES } });
}
