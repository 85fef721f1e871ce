import { VaultError } from '../../errors.ts';
import { checkName, nameProblem } from '../../names.ts';
import { isDigest, requireDigest } from '../proposalName.ts';
import type { FiledRequest, JoinDocument, JoinKind, JoinListener, JoinStore } from '../joining.ts';
import type { EtcdClient } from './client.ts';
import { isWritten, type ItemKeys } from './itemKeys.ts';
import type { Stored } from './keyValues.ts';
import { ADMISSIONS, inventoryKey, INVITATIONS, JOINED, JOINS, REFUSALS, rosterKey } from './layout.ts';
import { GONE, type WatchEvent } from './messages.ts';
import { watchKeys, type WatchedKeys } from './watchKeys.ts';

/** Of the largest that are stored, so many fit into a response: a stranger may have put anything there. */
const PAGE = 40;

const isId = (id: string): boolean => nameProblem('item', id) === undefined;
const isNode = (name: string): boolean => nameProblem('node', name) === undefined;

/** Where each kind is, and of what parts its names are; all else there is nobody's. */
const PLACES: Readonly<Record<JoinKind, { readonly below: string; readonly parts: readonly ((part: string) => boolean)[] }>> = {
  invitations: { below: INVITATIONS, parts: [isId] },
  uses: { below: JOINED, parts: [isId, isDigest] },
  requests: { below: JOINS, parts: [isNode, isDigest] },
  admissions: { below: ADMISSIONS, parts: [isNode] },
  refusals: { below: REFUSALS, parts: [isDigest] },
};

function isOf(kind: JoinKind, name: string): boolean {
  const { parts } = PLACES[kind];
  const found = name.split('/');
  return found.length === parts.length && parts.every((fits, index) => fits(found[index] ?? ''));
}

/** Requests to join, and what becomes of them, below the prefix of a repository. */
export function openJoinKeys(client: EtcdClient, { keyValues, source }: ItemKeys): JoinStore {
  const invitationKey = (id: string): string => INVITATIONS + checkName('item', id);
  const joinedKeys = (id: string): string => `${JOINED}${checkName('item', id)}/`;
  const requestKey = (name: string, id: string): string => `${JOINS}${checkName('node', name)}/${requireDigest(id)}`;
  const refusalKey = (id: string): string => REFUSALS + requireDigest(id);
  const admissionKey = (name: string): string => ADMISSIONS + checkName('node', name);
  const documentOf = (key: string, stored: Stored | undefined): JoinDocument | undefined =>
    (stored === undefined ? undefined : { bytes: stored.value, revision: stored.revision, source: source(key) });
  const read = async (...keys: string[]): Promise<(JoinDocument | undefined)[]> => {
    const { found } = await keyValues.read(keys);
    return keys.map((key, index) => documentOf(key, found[index]));
  };

  async function* list(below: string): AsyncGenerator<JoinDocument & { readonly name: string }> {
    let after: string | undefined;
    for (let more = true; more;) {
      const page = await keyValues.page(below, { after, limit: PAGE });
      for (const { name, value, revision } of page.entries) yield { name, bytes: value, revision, source: source(below + name) };
      after = page.entries[page.entries.length - 1]?.name;
      more = page.more && after !== undefined;
    }
  }

  return {
    readInvitation: async (id) => (await read(invitationKey(id)))[0],
    listInvitations: async () => (await keyValues.names(INVITATIONS)).filter(isId),
    async writeInvitation(id, bytes, expected) {
      const key = invitationKey(id);
      const outcome = await keyValues.commit({ unchanged: { [key]: expected }, put: [[key, bytes]], otherwise: [key] });
      if (outcome.done || (outcome.repeated && isWritten(outcome.found[0], bytes))) return;
      throw new VaultError('store-conflict', `Somebody else changed the invitation ${id} meanwhile. Nothing was written.`, { hint: 'Run the command again.', details: { id } });
    },
    async removeInvitation(id) {
      await keyValues.commit({ remove: [invitationKey(id)], removeBelow: joinedKeys(id) });
    },
    async listJoined(id) {
      const names: string[] = [];
      for await (const { bytes } of list(joinedKeys(id))) {
        const name = Buffer.from(bytes).toString('latin1');
        if (isNode(name)) names.push(name);
      }
      return names.sort();
    },
    async fileRequest(name, id, bytes) {
      // No comparison: etcd would want the right to read for it, and who may file a request need not see those of others.
      return (await keyValues.commit({ put: [[requestKey(name, id), bytes]] })).revision;
    },
    async readRequest(name, id) {
      const [found] = await read(requestKey(name, id));
      return found === undefined ? undefined : { ...found, name, id };
    },
    async* listRequests() {
      for await (const { name: key, ...document } of list(JOINS)) {
        const [name = '', id = '', ...more] = key.split('/');
        if (more.length === 0 && isDigest(id) && isNode(name)) yield { ...document, name, id };
      }
    },
    async removeRequest(request) {
      const key = keyOf(request);
      const { done, repeated, found } = await keyValues.commit({ unchanged: { [key]: request.revision }, remove: [key], otherwise: [key] });
      return done || (repeated && found[0] === undefined);
    },
    async readPremises({ name, id }, from) {
      const [invitation, joined, node, client, admission] = await read(invitationKey(from), joinedKeys(from) + requireDigest(id), inventoryKey('nodes', name), inventoryKey('clients', name), admissionKey(name));
      return { invitation, hasJoined: joined !== undefined, node, client, admission };
    },
    async admit({ request, invitation, node, client, admission, roster }) {
      const { name } = request;
      const used = joinedKeys(invitation.id) + request.id;
      const [nodeKey, clientKey] = [inventoryKey('nodes', name), inventoryKey('clients', name)];
      const { done } = await keyValues.commit({
        unchanged: {
          [keyOf(request)]: request.revision, [invitationKey(invitation.id)]: invitation.revision, [used]: 0, [nodeKey]: 0, [clientKey]: 0, [rosterKey(roster + 1)]: 0,
        },
        put: [
          [clientKey, client], [nodeKey, node], [admissionKey(name), admission], [invitationKey(invitation.id), invitation.bytes], [used, Buffer.from(name, 'latin1')],
        ],
        remove: [keyOf(request), refusalKey(request.id)],
      });
      return done; // Where an attempt before did it, whoever looks again finds the node admitted.
    },
    async refuse(request, refusal) {
      const { done } = await keyValues.commit({ unchanged: { [keyOf(request)]: request.revision }, put: [[refusalKey(request.id), refusal]], remove: [keyOf(request)] });
      return done;
    },
    async readOutcome(name, id) {
      const [admission, refusal] = await read(admissionKey(name), refusalKey(id));
      return { admission, refusal };
    },
    followOutcome: (name, id, listener) => follow([{ key: admissionKey(name), isPrefix: false }, { key: refusalKey(id), isPrefix: false }], listener),
    followRequests: (listener) => follow([{ key: JOINS, isPrefix: true }], listener),
    async* listRefusals() {
      for await (const { name: id, ...document } of list(REFUSALS)) if (isDigest(id)) yield { ...document, id };
    },
    async removeRefusal(id) {
      await keyValues.commit({ remove: [refusalKey(id)] });
    },
    readAdmission: async (name) => (await read(admissionKey(name)))[0],
    async* listAdmissions() {
      for await (const each of list(ADMISSIONS)) if (isNode(each.name)) yield each;
    },
    async writeAdmission(name, bytes) {
      await keyValues.commit({ put: [[admissionKey(name), bytes]] });
    },
    async removeAdmission(name, revision) {
      await keyValues.commit({ ...(revision === undefined ? {} : { unchanged: { [admissionKey(name)]: revision } }), remove: [admissionKey(name)] });
    },
    async* listKind(kind) {
      for await (const each of list(PLACES[kind].below)) if (isOf(kind, each.name)) yield each;
    },
    async restore(kind, name, bytes) {
      if (!isOf(kind, name)) throw new VaultError('name-invalid', `${JSON.stringify(name)} is no name of what lies below ${source(PLACES[kind].below)}.`, { details: { kind, name } });
      const key = PLACES[kind].below + name;
      await keyValues.commit(bytes === undefined ? { remove: [key] } : { put: [[key, bytes]] });
    },
  };

  /** What is removed is no news: whoever removed it wrote what there is to know elsewhere. */
  function follow(keys: readonly WatchedKeys[], { changed, problem }: JoinListener): () => void {
    return watchKeys(client, keys, {
      changed: (_index, events: readonly WatchEvent[]) => { if (events.some(({ type }) => type !== GONE)) changed(); },
      anew: () => { changed(); },
      problem,
    });
  }

  function keyOf({ name, id }: FiledRequest): string {
    return requestKey(name, id);
  }
}
