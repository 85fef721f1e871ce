import pLimit from 'p-limit';
import { isVaultError } from '../errors.ts';
import type { Signer } from '../items/seal.ts';
import { parseRequest } from '../joining/request.ts';
import { admitRequest } from '../operations/joining/admitRequest.ts';
import { joinStoreOf } from '../operations/joining/joinStore.ts';
import type { Trust, Workspace } from '../operations/workspace.ts';
import type { FiledRequest } from '../stores/joining.ts';
import type { ReportRefresherEvent } from './events.ts';
import type { Fleet } from './fleet.ts';

export interface JoinWork {
  readonly workspace: Workspace;
  readonly trust: Trust;
  readonly signer: Signer;
  readonly fleet: Fleet;
  readonly report: ReportRefresherEvent;
  readonly signal: AbortSignal;
}

/** Invitations whose requests are dealt with at once: those of one, which counts them, would be in each other's way. */
const CONCURRENCY = 16;

/** So much is held of what lies there, which is whatever somebody put there: requests, and bytes. */
const [MOST_AT_ONCE, MOST_BYTES] = [1000, 16 << 20];

/** Deals with requests to join as they come; those that a person must approve are looked at once. */
export interface Admitting {
  /** Looks at what lies there. @returns whether some must be looked at again, a little later @throws VaultError store-unreachable; store-conflict where the roster is another */
  admitAll(work: JoinWork): Promise<boolean>;
}

export function openAdmitting(): Admitting {
  /** Of each request that waits for a person, or could not be dealt with: its revision, and the last look at all that met it. */
  const left = new Map<string, { readonly revision: number; look: number }>();
  let looks = 0;
  /** Whom a key was given to, as long as the fleet does not know it yet. */
  const given = new Map<string, string>();

  /** @returns whether it must be looked at again */
  async function admit({ workspace, trust, signer, fleet, report }: JoinWork, filed: FiledRequest): Promise<boolean> {
    const { name } = filed;
    let claimed: string | undefined;
    const namesWithKey = (fingerprint: string): Promise<readonly string[]> => {
      const before = given.get(fingerprint);
      if (before === undefined) given.set(claimed = fingerprint, name);
      return Promise.resolve([...fleet.namesWithKey(fingerprint), ...(before === undefined ? [] : [before])]);
    };
    try {
      const outcome = await admitRequest(workspace, trust, signer, filed, { namesWithKey });
      if (outcome.kind !== 'admitted' && claimed !== undefined) given.delete(claimed);
      switch (outcome.kind) {
        case 'admitted': report({ type: 'node-admitted', node: name, invitation: outcome.invitation }); break;
        case 'refused': report({ type: 'node-refused', node: name, why: outcome.code }); break;
        case 'discarded': report({ type: 'node-refused', node: name, why: 'discarded' }); break;
        case 'waiting':
          left.set(keyOf(filed), { revision: filed.revision, look: looks });
          report({ type: 'node-waiting', node: name });
          break;
        case 'gone':
        case 'unsettled':
      }
      return outcome.kind === 'unsettled';
    } catch (error) {
      if (claimed !== undefined) given.delete(claimed);
      if (!isVaultError(error)) throw error;
      if (error.code === 'store-unreachable' || error.code === 'store-conflict') throw error;
      left.set(keyOf(filed), { revision: filed.revision, look: looks });
      report({ type: 'request-left', node: name, error });
      return false;
    }
  }

  async function admitSome(work: JoinWork, requests: readonly FiledRequest[]): Promise<boolean> {
    const limit = pLimit(CONCURRENCY);
    let isUnsettled = false;
    const done = await Promise.allSettled(byInvitation(requests).map((some) => limit(async () => {
      for (const filed of some) if (!work.signal.aborted && await admit(work, filed)) isUnsettled = true;
    })));
    for (const [fingerprint, name] of given) if (work.fleet.isKnown(name)) given.delete(fingerprint);
    for (const each of done) if (each.status === 'rejected') throw each.reason;
    return isUnsettled;
  }

  return {
    async admitAll(work) {
      looks++;
      let isUnsettled = false;
      let requests: FiledRequest[] = [];
      let bytes = 0;
      const admitThese = async (): Promise<void> => {
        const some = requests;
        [requests, bytes] = [[], 0];
        if (await admitSome(work, some)) isUnsettled = true;
      };
      for await (const filed of joinStoreOf(work.workspace.store).listRequests()) {
        if (work.signal.aborted) return false;
        const before = left.get(keyOf(filed));
        if (before?.revision === filed.revision) {
          before.look = looks;
          continue;
        }
        requests.push(filed);
        bytes += filed.bytes.length;
        if (requests.length >= MOST_AT_ONCE || bytes >= MOST_BYTES) await admitThese();
      }
      await admitThese();
      for (const [key, { look }] of left) if (look !== looks) left.delete(key);
      return isUnsettled;
    },
  };
}

function byInvitation(requests: readonly FiledRequest[]): FiledRequest[][] {
  const groups = new Map<string, FiledRequest[]>();
  for (const filed of requests) {
    const invitation = invitationOf(filed);
    groups.set(invitation, [...groups.get(invitation) ?? [], filed]);
  }
  return [...groups.values()];
}

/** What it says, unjudged. */
function invitationOf({ bytes, source }: FiledRequest): string {
  try {
    return parseRequest(bytes, source).request.invitation;
  } catch (error) {
    if (!isVaultError(error)) throw error;
    return '';
  }
}

function keyOf({ name, id }: FiledRequest): string {
  return `${name}/${id}`;
}
