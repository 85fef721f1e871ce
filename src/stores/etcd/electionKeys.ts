import { randomInt } from 'node:crypto';
import { performance } from 'node:perf_hooks';
import { isVaultError, type VaultError } from '../../errors.ts';
import { utf8 } from '../../sealing/encoding.ts';
import type { Campaign, CampaignListener, Candidate, ElectionStore } from '../election.ts';
import type { Store } from '../store.ts';
import type { EtcdClient } from './client.ts';
import { unreachable } from './failure.ts';
import { isWritten } from './itemKeys.ts';
import type { Fence, KeyValues } from './keyValues.ts';
import { ELECTION, ELECTION_RECORD } from './layout.ts';
import { watchKeys } from './watchKeys.ts';

/** Of a lease's time, so much passes before it is kept. */
const KEEP_PART = 1 / 3;
const RETRY_MS = 500;
const MOST_LEASE_ID = 2 ** 48 - 1;

/** A time in which a candidate is the one; its clock began before etcd's, so it ends before. */
interface Term {
  readonly lease: number;
  readonly revision: number;
  ends: number;
  isOver: boolean;
}

/**
 * Who stands under {@link ELECTION} is elected, for as long as the lease lasts that it was put with.
 * @param keyValues without a fence
 * @param own as the store writes that has this
 * @param openFenced the store as one who is elected writes to it
 */
export function openElectionKeys(client: EtcdClient, keyValues: KeyValues, own: KeyValues, openFenced: (fence: Fence) => Store): ElectionStore {
  return {
    campaign: (candidate, listener) => campaign(client, keyValues, openFenced, candidate, listener),
    readRecord: async () => (await own.read([ELECTION_RECORD])).found[0]?.value,
    async writeRecord(bytes) { await own.commit({ put: [[ELECTION_RECORD, bytes]] }); },
  };
}

function campaign(client: EtcdClient, keyValues: KeyValues, openFenced: (fence: Fence) => Store, { name, ttlSeconds }: Candidate, listener: CampaignListener): Campaign {
  const state = { isOver: false };
  let term: Term | undefined;
  let timers: NodeJS.Timeout[] = [];
  let retry: NodeJS.Timeout | undefined;
  const asking = { isBusy: false, again: false };
  const isEnded = (): boolean => state.isOver;
  const wasAskedAgain = (): boolean => asking.again;
  let isTroubled = false;
  const noted = { name: undefined as string | undefined, isKnown: false };

  const tellOthers = (elected: string | undefined): void => {
    if (noted.isKnown && noted.name === elected) return;
    Object.assign(noted, { name: elected, isKnown: true });
    listener.others(elected);
  };
  const troubled = (problem: VaultError | undefined): void => {
    if (problem === undefined ? isTroubled : !isTroubled) listener.problem(problem);
    isTroubled = problem !== undefined;
  };

  /** Looks who is elected, and stands for it where nobody is. One at a time. */
  async function look(): Promise<void> {
    if (asking.isBusy) { asking.again = true; return; }
    asking.isBusy = true;
    try {
      do {
        asking.again = false;
        await stand();
      } while (wasAskedAgain() && !isEnded());
      troubled(undefined);
    } catch (error) {
      if (!isVaultError(error)) throw error;
      troubled(error);
      clearTimeout(retry);
      if (!state.isOver) retry = setTimeout(() => { void look(); }, RETRY_MS * (1 + Math.random()));
    } finally {
      asking.isBusy = false;
    }
  }

  async function stand(): Promise<void> {
    const { found: [present] } = await keyValues.read([ELECTION]);
    if (isEnded()) return;
    if (term !== undefined) {
      if (present?.revision !== term.revision) lose(term); // Somebody removed it, or etcd was put back.
      else return;
    }
    if (present !== undefined) { tellOthers(nameIn(present.value)); return; }
    tellOthers(undefined);
    const began = performance.now();
    const lease = await grant();
    const value = utf8(`${name}\n${String(lease)}`);
    const outcome = await keyValues.commit({ unchanged: { [ELECTION]: 0 }, put: [[ELECTION, value]], lease, otherwise: [ELECTION] });
    const [other] = outcome.found;
    const isOurs = outcome.done || (outcome.repeated && isWritten(other, value));
    if (!isOurs) { asking.again = true; return; }
    const own: Term = { lease, revision: outcome.done ? outcome.revision : other?.revision ?? 0, ends: began + ttlSeconds * 1000, isOver: false };
    if (isEnded()) { await withdraw(own); return; }
    lead(own);
  }

  async function grant(): Promise<number> {
    const ID = randomInt(1, MOST_LEASE_ID);
    const { response: { error } } = await client.call('/etcdserverpb.Lease/LeaseGrant', { TTL: ttlSeconds, ID });
    if (error !== '') throw unreachable(client.prefix, [{ endpoint: 'etcd', reason: 'failed', said: error }]);
    return ID;
  }

  function lead(own: Term): void {
    term = own;
    timers = [setInterval(() => { void keep(own); }, ttlSeconds * 1000 * KEEP_PART)];
    watchEnd(own);
    tellOthers(name);
    listener.elected(openFenced({ key: ELECTION, revision: () => (own.isOver || performance.now() >= own.ends ? undefined : own.revision) }));
  }

  function watchEnd(own: Term): void {
    const left = own.ends - performance.now();
    timers.push(setTimeout(() => {
      timers = timers.slice(0, 1);
      if (own.isOver) return;
      if (performance.now() < own.ends) watchEnd(own);
      else lose(own);
    }, Math.max(0, left)));
  }

  async function keep(own: Term): Promise<void> {
    const asked = performance.now();
    try {
      const { response: { TTL } } = await client.call('/etcdserverpb.Lease/LeaseKeepAlive', { ID: own.lease });
      if (own.isOver) return;
      if (TTL > 0) own.ends = Math.max(own.ends, asked + TTL * 1000);
      else lose(own);
      troubled(undefined);
    } catch (error) {
      if (!isVaultError(error)) throw error;
      troubled(error); // It is tried again until the time is over.
    }
  }

  function lose(own: Term): void {
    if (own.isOver) return;
    own.isOver = true;
    term = undefined;
    for (const timer of timers) clearTimeout(timer);
    listener.lost();
    void look();
  }

  async function withdraw({ revision }: Term): Promise<void> {
    await keyValues.commit({ unchanged: { [ELECTION]: revision }, remove: [ELECTION] }).catch((error: unknown) => { if (!isVaultError(error)) throw error; });
  }

  const end = watchKeys(client, [{ key: ELECTION, isPrefix: false }], {
    changed() { void look(); },
    anew() { void look(); },
    problem: troubled,
  });

  return {
    async resign() {
      state.isOver = true;
      end();
      clearTimeout(retry);
      for (const timer of timers) clearTimeout(timer);
      const own = term;
      if (own === undefined) return;
      own.isOver = true;
      term = undefined;
      await withdraw(own);
    },
  };
}

function nameIn(value: Uint8Array): string {
  return new TextDecoder().decode(value.subarray(0, 300)).split('\n')[0] ?? '';
}
