// Nodes that join by themselves: the command line on both sides, and everything that a request is judged by, with a real etcd.
import assert from 'node:assert/strict';
import { chmod, readFile, stat, writeFile } from 'node:fs/promises';
import { after, before, describe, it } from 'node:test';
import { loadIdentity } from '../../src/config/identities.ts';
import { isVaultError } from '../../src/errors.ts';
import { encodeInvitation, parseInvitation, signInvitation } from '../../src/joining/invitation.ts';
import { encodeRequest, requestId, signRequest, type SignedRequest } from '../../src/joining/request.ts';
import { parseToken, tokenIdentity } from '../../src/joining/token.ts';
import { readAdmission } from '../../src/operations/joining/admissions.ts';
import { addNode } from '../../src/operations/nodes.ts';
import { candidates } from '../../src/operations/joining/approve.ts';
import { admitRequest, type AdmitOptions, type RequestOutcome } from '../../src/operations/joining/admitRequest.ts';
import { invite, type InvitationWish } from '../../src/operations/joining/invite.ts';
import { join } from '../../src/operations/joining/join.ts';
import { revokeInvitation } from '../../src/operations/joining/invitations.ts';
import { trustRoster, type Trust, type Workspace } from '../../src/operations/workspace.ts';
import { generateSeed, identityFromSeed, type Identity } from '../../src/sealing/identity.ts';
import { openStateDirectory } from '../../src/state/stateDirectory.ts';
import type { Campaign } from '../../src/stores/election.ts';
import { openEtcdStore, type EtcdStore } from '../../src/stores/etcd/etcdStore.ts';
import type { RefresherEvent } from '../../src/refresher/events.ts';
import { openFleet } from '../../src/refresher/fleet.ts';
import { openAdmitting } from '../../src/refresher/joins.ts';
import type { FiledRequest, JoinStore } from '../../src/stores/joining.ts';
import { openWorld, type World } from '../scripts/cliWorld.ts';
import { startEtcd, type EtcdCluster } from '../scripts/etcdCluster.ts';
import { describeEnd } from '../scripts/vaultProcess.ts';

const PREFIX = '/iam-vault/join/';
const HOUR = 3_600_000;

describe('nodes that join by themselves', () => {
  let etcd: EtcdCluster;
  let world: World;
  before(async () => {
    etcd = await startEtcd();
    world = await openWorld({ empty: true });
    await world.result('init', ['init', 'repository', '--admin', 'alice', '--etcd', etcd.endpoints[0] ?? '', '--etcd-prefix', PREFIX], { cwd: world.directory });
  });
  after(async () => {
    await world.close();
    await etcd.close();
  });

  /** On a machine of its own: it has no state, and no identity yet. */
  const onNode = (name: string): { args: string[]; variables: Record<string, string> } => ({
    args: ['--name', name, '--identity', world.at('keys', `${name}.identity`)], variables: { VAULT_STATE_DIR: world.at('state', `of-${name}`) },
  });
  const token = async (file: string): Promise<string> => {
    const line = (await readFile(world.at(file), 'utf8')).trim();
    world.secrets.add(line.slice('VAULT-JOIN-TOKEN-1'.length).slice(28, 78)); // The seed: what else is there all tokens of a repository have.
    return line;
  };

  describe('by the command line', () => {
    it('an admin invites, a node asks and waits, a person lets it in, and it reads what is for its role', async () => {
      await world.result('create item', ['create', 'item', 'vault', 'db', '--search', 'role:web AND tags:canary', '--from', '-', '--allow-empty'], { input: '{"password":"one-one-one"}' });
      const made = await world.result('node invite', ['node', 'invite', '--role', 'web', '-E', 'production', '--tag', 'canary', '--uses', '2', '--expires', '2h', '--approval', '--output', world.at('web.token')]);
      assert.equal((await stat(world.at('web.token'))).mode & 0o777, 0o600);
      await token('web.token');
      await world.refused('file-exists', ['node', 'invite', '--output', world.at('web.token')]);

      const node = onNode('web01');
      const ask = ['agent', 'join', '--token-file', world.at('web.token'), ...node.args];
      const filed = await world.result('agent join', ask, node);
      assert.equal(filed['state'], 'filed');
      assert.equal((await stat(world.at('keys', 'web01.identity'))).mode & 0o777, 0o600);
      // cloud-init runs things twice.
      assert.deepEqual(await world.result('agent join', ask, node), filed);
      const end = await world.run([...ask, '--wait', '300ms'], node);
      assert.equal(end.exitCode, 8, describeEnd(end));
      const { pending } = await world.result('node requests', ['node', 'requests']) as { pending: Record<string, unknown>[] };
      assert.deepEqual(pending.map(({ name, fingerprint, invitation, run_list, problem }) => [name, fingerprint, invitation, run_list, problem]),
        [['web01', filed['fingerprint'], made['id'], ['role[web]'], undefined]]);

      const waiting = world.start([...ask, '--wait', '60s', '--json'], node);
      await world.refused('confirmation-needed', ['node', 'approve', 'web01']);
      assert.deepEqual(await world.result('node approve', ['node', 'approve', 'web01', '--yes']), { nodes: [{ name: 'web01', state: 'admitted' }] });
      const waited = await waiting.finished;
      assert.equal(waited.exitCode, 0, describeEnd(waited));
      assert.deepEqual(JSON.parse(waited.stdout), { ...filed, state: 'admitted' });
      assert.deepEqual(await world.result('agent join', ask, node), { ...filed, state: 'admitted' });

      const shown = await world.result('node show', ['node', 'show', 'web01']);
      assert.deepEqual([shown['environment'], shown['run_list'], (shown['node'] as { normal: unknown }).normal], ['production', ['role[web]'], { tags: ['canary'] }]);
      await world.result('refresh', ['refresh', '--yes']);
      const { stdout } = await world.run(['decrypt', 'vault', 'db', '--identity', world.at('keys', 'web01.identity')]);
      assert.deepEqual(JSON.parse(stdout), { password: 'one-one-one' });
      const { invitations } = await world.result('node invitations', ['node', 'invitations']) as { invitations: Record<string, unknown>[] };
      assert.deepEqual(invitations.map(({ id, state, used, joined }) => [id, state, used, joined]), [[made['id'], 'open', 1, ['web01']]]);
    });

    it('a node is told that it was refused, and why; a token that is damaged, open to others or of another repository asks nobody', async () => {
      const node = onNode('web02');
      const ask = ['agent', 'join', '--token-file', world.at('web.token'), ...node.args];
      const waiting = world.start([...ask, '--wait', '60s', '--json'], node);
      for (;;) {
        const { pending } = await world.result('node requests', ['node', 'requests']) as { pending: unknown[] };
        if (pending.length > 0) break;
      }
      await world.result('node refuse', ['node', 'refuse', 'web02']);
      const refused = await waiting.finished;
      assert.equal(refused.exitCode, 4, describeEnd(refused));
      assert.deepEqual((JSON.parse(refused.stdout) as { error: { code: string; reason: string } }).error.reason, 'refused');
      await world.refused('request-not-found', ['node', 'refuse', 'web02']);

      const line = await token('web.token');
      const wrong = line.slice(0, -9) + (line.at(-9) === 'Q' ? 'P' : 'Q') + line.slice(-8);
      await world.write('wrong.token', wrong, 0o600);
      await world.refused('token-invalid', ['agent', 'join', '--token-file', world.at('wrong.token'), ...node.args], node);
      await world.refused('token-invalid', ['agent', 'join', '--token-file', world.admin, ...node.args], node);
      await chmod(world.at('web.token'), 0o640);
      await world.refused('identity-too-open', ask, node);
      await chmod(world.at('web.token'), 0o600);
      await world.result('init', ['init', 'other', '--admin', 'alice', '--etcd', etcd.endpoints[0] ?? '', '--etcd-prefix', '/iam-vault/other/'], { cwd: world.directory });
      const elsewhere = await world.run([...ask, '--json', '-r', world.at('other')], node);
      assert.equal((JSON.parse(elsewhere.stdout) as { error: { code: string } }).error.code, 'roster-pin-mismatch', 'the roster there is not the one that the token names');
      await world.result('init', ['init', 'files', '--admin', 'alice'], { cwd: world.directory });
      await world.refused('store-unsupported', [...ask, '-r', world.at('files')], node);
      await world.refused('store-unsupported', ['node', 'invite', '-r', world.at('files')]);
    });

    it('invitations are listed and revoked, and a secret of one in the repository is found', async () => {
      const made = await world.result('node invite', ['node', 'invite', '--role', 'web']);
      assert.match(String(made['token']), /^VAULT-JOIN-TOKEN-1[02-9A-Z]{194}$/);
      await writeFile(`${world.repository}/iam-json-data/note.txt`, String(made['token']));
      const { problems } = await world.result('verify', ['verify'], { exitCode: 5 }) as { problems: { code: string }[] };
      assert.deepEqual(problems.map(({ code }) => code), ['plaintext-found']);
      await writeFile(`${world.repository}/iam-json-data/note.txt`, '');
      assert.equal((await world.result('node uninvite', ['node', 'uninvite', String(made['id'])]))['used'], 0);
      await world.refused('invitation-not-found', ['node', 'uninvite', 'ff']);
      const { invitations } = await world.result('node invitations', ['node', 'invitations']) as { invitations: { id: string; state: string }[] };
      assert.equal(invitations.find(({ id }) => id === made['id'])?.state, 'revoked');
      for (const flags of [['--uses', '0'], ['--expires', '91d'], ['--name', 'a*b*c'], ['--uses', 'many']]) await world.refused('usage', ['node', 'invite', ...flags]);
    });

    it('what lies in the inventory is approved as it is, and not when it was altered', async () => {
      await world.addNode('old01', '--role', 'web');
      assert.deepEqual(await world.result('node approve', ['node', 'approve', '--inventory', '--yes']), { nodes: [{ name: 'old01', state: 'admitted' }] });
      assert.deepEqual(await world.result('node approve', ['node', 'approve', 'old01', '--yes']), { nodes: [] });
      await world.result('node remove', ['node', 'remove', 'old01', '--yes']);
      assert.equal(await etcd.etcdctl('get', '--prefix', '--keys-only', `${PREFIX}sealed/admissions/old01`), '');
      await world.refused('party-not-found', ['node', 'approve', 'old01', '--yes']);
    });
  });

  describe('whoever admits', () => {
    let store: EtcdStore;
    let alice: Identity;
    let trust: Trust;
    let admin: Workspace;
    let clock = 0;
    let number = 0;
    before(async () => {
      store = openEtcdStore(world.repository, { endpoints: etcd.endpoints, prefix: PREFIX });
      alice = await loadIdentity(world.admin);
      admin = workspace('admin');
      trust = await trustRoster(admin);
    });
    after(() => { store.close(); });

    function workspace(state: string): Workspace {
      return { store, state: openStateDirectory(world.at('state', `in-${state}`)), now: () => new Date(Date.now() + clock), notice: () => undefined, warn: () => undefined };
    }
    const signer = (): { name: string; identity: Identity } => ({ name: 'alice', identity: alice });
    const ask = async (line: string, name: string, identity = identityFromSeed(generateSeed())): Promise<Identity> => {
      await join(workspace(`node-${String(number++)}`), { name, identity, token: parseToken(line), wait: 0 });
      return identity;
    };
    const wish = (more: Partial<InvitationWish> = {}): InvitationWish => ({ attributes: { chef_environment: 'e', run_list: ['role[r]'], normal: {} }, approval: false, uses: 10, validFor: HOUR, ...more });
    const made = (more: Partial<InvitationWish> = {}): ReturnType<typeof invite> => invite(admin, trust, signer(), wish(more));
    const file = async ({ request, ...rest }: SignedRequest): Promise<number> => await store.joining.fileRequest(request.name, requestId(request), encodeRequest({ request, ...rest }));
    /** Deals with all requests that are there. @returns what came of each, by name: `admitted`, or the code of the refusal */
    const admitAll = async (options: AdmitOptions = {}): Promise<Record<string, string>> => {
      const outcomes: Record<string, string> = {};
      for await (const filed of store.joining.listRequests()) outcomes[filed.name] = said(await admitRequest(admin, trust, signer(), filed, options));
      return outcomes;
    };
    const said = (outcome: RequestOutcome): string => (outcome.kind === 'refused' ? outcome.code : outcome.kind);

    it('admits who has a token, by the attributes of the invitation alone, and only to names that it allows', async () => {
      const { token: line } = await made({ names: 'n-*' });
      const node = await ask(line, 'n-1');
      await ask(line, 'm-1');
      assert.deepEqual(await admitAll(), { 'n-1': 'admitted', 'm-1': 'name-not-allowed' });
      const admission = await readAdmission(store, trust, 'n-1');
      assert.ok(admission.kind === 'admitted' && admission.admission.fingerprint === node.publicKey.fingerprint);
      // Asking again changes nothing and uses nothing; an altered inventory is not what was admitted.
      await ask(line, 'n-1', node);
      assert.deepEqual(await admitAll(), {});
      const before = await store.readInventory('nodes', 'n-1');
      await store.writeInventory('nodes', 'n-1', Buffer.from(new TextDecoder().decode(before?.bytes).replace('role[r]', 'role[admin]')));
      assert.deepEqual(await readAdmission(store, trust, 'n-1'), { kind: 'not-admitted', why: 'altered' });
    });

    it('refuses what is expired, revoked, used up or unknown, names and keys that are taken, and clocks that disagree', async () => {
      const expired = await made();
      await ask(expired.token, 'late');
      clock = HOUR + 6 * 60_000;
      assert.deepEqual(await admitAll(), { late: 'expired' });
      clock = HOUR + 4 * 60_000; // Within the margin.
      await ask(expired.token, 'late');
      assert.deepEqual(await admitAll(), { late: 'admitted' });
      clock = 10 * 60_000;
      const { token: line, invitation } = await made();
      clock = 0;
      await ask(line, 'behind');
      assert.deepEqual(await admitAll(), { behind: 'clock' });
      await assert.rejects(waitFor(line, 'behind'), (error) => isVaultError(error, 'join-refused') && error.details['reason'] === 'clock');

      clock = 10 * 60_000;
      const owner = await ask(line, 'late');
      assert.deepEqual(await admitAll(), { late: 'name-taken' });
      const twice = await ask(line, 'first');
      await ask(line, 'second', twice);
      assert.deepEqual(await admitAll(), { first: 'admitted', second: 'key-known' });
      await revokeInvitation(admin, invitation.id);
      await ask(line, 'third', owner);
      assert.deepEqual(await admitAll(), { third: 'revoked' });
      await store.joining.removeInvitation(invitation.id);
      await ask(line, 'third', owner);
      assert.deepEqual(await admitAll(), { third: 'token-invalid' });
      clock = 0;
    });

    it('never admits more than an invitation says, whoever admits at the same time', async () => {
      const { token: line, invitation } = await made({ uses: 3 });
      for (let n = 0; n < 8; n++) await ask(line, `race-${String(n)}`);
      const filed: FiledRequest[] = [];
      for await (const each of store.joining.listRequests()) filed.push(each);
      const admitters = await Promise.all([1, 2, 3].map(async () => {
        const outcomes: string[] = [];
        for (const each of filed) outcomes.push(said(await admitRequest(admin, trust, signer(), each)));
        return outcomes;
      }));
      const counted = admitters.flat().filter((outcome) => outcome === 'admitted').length;
      assert.equal(counted, 3);
      assert.equal(admitters.flat().filter((outcome) => outcome === 'used-up').length, 5);
      const document = await store.joining.readInvitation(invitation.id);
      assert.ok(document);
      assert.equal(parseInvitation(document.bytes, '').used, 3);
      assert.equal((await store.joining.listJoined(invitation.id)).length, 3);
    });

    it('believes no invitation that an admin did not sign, no altered one, and no request that lacks one of both keys', async () => {
      const { token: line, invitation } = await made();
      const stored = await store.joining.readInvitation(invitation.id);
      assert.ok(stored);
      const good = parseInvitation(stored.bytes, '');
      const stranger = identityFromSeed(generateSeed());
      const put = async (bytes: Uint8Array): Promise<void> => { await store.joining.writeInvitation(invitation.id, bytes, (await store.joining.readInvitation(invitation.id))?.revision ?? 0); };
      for (const bytes of [
        encodeInvitation({ ...good, invitation: { ...good.invitation, attributes: { ...good.invitation.attributes, run_list: ['role[admin]'] } } }),
        encodeInvitation({ ...good, invitation: { ...good.invitation, uses: 11 } }),
        encodeInvitation(signInvitation({ ...good.invitation, signer: 'alice', expires: new Date(good.invitation.expires), time: new Date(good.invitation.time) }, stranger)),
        encodeInvitation(signInvitation({ ...good.invitation, signer: 'mallory', expires: new Date(good.invitation.expires), time: new Date(good.invitation.time) }, stranger)),
        Buffer.from('{}'),
      ]) {
        await put(bytes);
        await ask(line, 'forged');
        assert.deepEqual(await admitAll(), { forged: 'token-invalid' });
      }
      await put(stored.bytes);
      const proof = tokenIdentity(parseToken(line));
      const node = identityFromSeed(generateSeed());
      const signed = (by: Identity, token: Identity): SignedRequest => signRequest({ repository: trust.repository, invitation: invitation.id, name: 'forged', time: new Date() }, by, token);
      const whole = signed(node, proof);
      await file({ ...whole, proof: signed(node, stranger).proof });
      assert.deepEqual(await admitAll(), { forged: 'token-invalid' });
      await file({ ...whole, signature: signed(stranger, proof).signature });
      assert.deepEqual(await admitAll(), { forged: 'token-invalid' });
      await file({ ...whole, request: { ...whole.request, public_key: stranger.publicKey.line } });
      assert.deepEqual(await admitAll(), { forged: 'token-invalid' });
      // Under another name or id, or no document at all: nobody is told, for nobody asked.
      await store.joining.fileRequest('other', requestId(whole.request), encodeRequest(whole));
      await store.joining.fileRequest('junk', requestId(whole.request), Buffer.from('junk'));
      assert.deepEqual(await admitAll(), { other: 'discarded', junk: 'discarded' });
    });

    it('takes a request once: a copy of it does not bring back a node that was removed', async () => {
      const { token: line, invitation } = await made();
      const node = identityFromSeed(generateSeed());
      const copy = signRequest({ repository: trust.repository, invitation: invitation.id, name: 'gone', time: new Date() }, node, tokenIdentity(parseToken(line)));
      await file(copy);
      assert.deepEqual(await admitAll(), { gone: 'admitted' });
      await file(copy);
      assert.deepEqual(await admitAll(), { gone: 'admitted' }, 'it is there already');
      await store.joining.removeAdmission('gone');
      await file(copy);
      assert.deepEqual(await admitAll(), { gone: 'used-before' }, 'before its name is looked at');
      for (const kind of ['nodes', 'clients'] as const) await store.removeInventory(kind, 'gone');
      await file(copy);
      assert.deepEqual(await admitAll(), { gone: 'used-before' });
    });

    it('leaves to a person what a person must approve', async () => {
      const { token: line } = await made({ approval: true });
      await ask(line, 'careful');
      assert.deepEqual(await admitAll(), { careful: 'waiting' });
      assert.deepEqual(await admitAll({ approved: true }), { careful: 'admitted' });
    });

    it('is kept from nobody by a request that changes all the time, nor by one that no token proves', async () => {
      const { token: line, invitation } = await made();
      const noisy = await ask(line, 'noisy');
      await ask(line, 'quiet');
      const again = async (): Promise<void> => {
        const { request } = signRequest({ repository: trust.repository, invitation: invitation.id, name: 'noisy', time: new Date() }, noisy, tokenIdentity(parseToken(line)));
        const filed = await store.joining.readRequest('noisy', requestId(request));
        await store.joining.fileRequest('noisy', requestId(request), filed?.bytes ?? assert.fail());
      };
      const joining: JoinStore = { ...store.joining, admit: async (admitted) => {
        if (admitted.request.name === 'noisy') await again();
        return await store.joining.admit(admitted);
      } };
      const fleet = openFleet(store, trust);
      const events: RefresherEvent[] = [];
      const isUnsettled = await openAdmitting().admitAll({ workspace: { ...admin, store: { ...store, joining } }, trust, signer: signer(), fleet, report: (event) => { events.push(event); }, signal: new AbortController().signal });
      assert.deepEqual([isUnsettled, events], [true, [{ type: 'node-admitted', node: 'quiet', invitation: invitation.id }]]);

      // Whoever may file requests has seen no token.
      const stranger = identityFromSeed(generateSeed());
      const unproven = signRequest({ repository: trust.repository, invitation: invitation.id, name: 'noisy', time: new Date() }, stranger, stranger);
      await file(unproven);
      const { requests } = await candidates(admin, trust, { names: ['noisy'] });
      assert.deepEqual(requests.map(({ fingerprint }) => fingerprint), [noisy.publicKey.fingerprint]);
      assert.deepEqual((await candidates(admin, trust, 'requests')).requests.length, 2);
      // Who names a key means no other that somebody put into the inventory.
      await assert.rejects(candidates(admin, trust, { names: ['nobody'] }), (error) => isVaultError(error, 'party-not-found'));
      await addNode(store, { name: 'planted', publicKey: stranger.publicKey, replace: false });
      await file(signRequest({ repository: trust.repository, invitation: invitation.id, name: 'planted', time: new Date() }, stranger, stranger));
      await assert.rejects(candidates(admin, trust, { names: ['planted'], fingerprint: noisy.publicKey.fingerprint }), (error) => isVaultError(error, 'request-not-found'));
      assert.deepEqual((await candidates(admin, trust, { names: ['planted'] })).nodes.map(({ fingerprint }) => fingerprint), [stranger.publicKey.fingerprint]);
      await admitAll();
      assert.equal((await readAdmission(store, trust, 'noisy')).kind, 'admitted');
    });

    async function waitFor(line: string, name: string): Promise<void> {
      const identity = await ask(line, name);
      const ended = join(workspace(`node-${String(number++)}`), { name, identity, token: parseToken(line), wait: 20_000 });
      const state = { over: false };
      ended.catch(() => undefined).finally(() => { state.over = true; });
      while (!state.over) await admitAll();
      await ended;
    }
  });
});

/** The roles of docs/etcd.md. */
const ROLES: readonly (readonly string[])[] = [
  ['role', 'add', 'vault-admin'],
  ['role', 'grant-permission', 'vault-admin', '--prefix=true', 'readwrite', PREFIX],
  ['role', 'add', 'vault-join'],
  ['role', 'grant-permission', 'vault-join', '--prefix=true', 'read', `${PREFIX}sealed/`],
  ['role', 'grant-permission', 'vault-join', '--prefix=true', 'write', `${PREFIX}joins/`],
  ['role', 'add', 'reader'],
  ['role', 'grant-permission', 'reader', '--prefix=true', 'read', PREFIX],
];
const PASSWORD = 'PLANTED-qqjvkxwzqqjvkxwz';

describe('with users in etcd', () => {
  let etcd: EtcdCluster;
  let world: World;
  before(async () => {
    etcd = await startEtcd({ flags: ['--bcrypt-cost', '4'] });
    world = await openWorld({ empty: true });
    await world.result('init', ['init', 'repository', '--admin', 'alice', '--etcd', etcd.endpoints[0] ?? '', '--etcd-prefix', PREFIX], { cwd: world.directory });
    for (const role of ROLES) await etcd.etcdctl(...role);
    for (const [user, role] of [['root', 'root'], ['alice', 'vault-admin'], ['join', 'vault-join'], ['reader', 'reader']] as const) {
      await etcd.etcdctl('user', 'add', `${user}:${PASSWORD}`);
      await etcd.etcdctl('user', 'grant-role', user, role);
      await world.write(`home/${user}.json`, JSON.stringify({ endpoints: etcd.endpoints, user, password: PASSWORD }), 0o600);
    }
    await etcd.etcdctl('auth', 'enable');
    world.secrets.add(PASSWORD);
    const path = `${world.repository}/vault.json`;
    const config = JSON.parse(await readFile(path, 'utf8')) as { store: object };
    await writeFile(path, JSON.stringify({ ...config, store: { ...config.store, credentials_file: '~/alice.json' } }));
  });
  after(async () => {
    await world.close();
    await etcd.close();
  });

  it('whoever may only ask can ask by the agent\'s configuration, is told the answer, and sees no other request', async () => {
    await world.result('node invite', ['node', 'invite', '--role', 'web', '--output', world.at('token')]);
    const { fingerprint } = await world.result('admin list', ['admin', 'list']) as { fingerprint: string };
    const config = await world.write('agent/agent.json', JSON.stringify({
      identity: world.at('keys', 'agent.identity'), roster: fingerprint, state_directory: world.at('state'), runtime_directory: world.at('agent'), report: { node: 'web09' },
      source: { type: 'etcd', endpoints: etcd.endpoints, prefix: PREFIX, credentials_file: world.at('home', 'join.json') },
    }));
    const ask = ['agent', 'join', '--config', config, '--token-file', world.at('token')];
    assert.deepEqual((await world.result('agent join', ask))['name'], 'web09');
    const waiting = world.start([...ask, '--wait', '60s']);
    await world.result('node approve', ['node', 'approve', '--all', '--yes']);
    const end = await waiting.finished;
    assert.equal(end.exitCode, 0, describeEnd(end));

    const store = openEtcdStore('join', { endpoints: etcd.endpoints, prefix: PREFIX, user: { name: 'join', password: PASSWORD } });
    const denied = (error: unknown): boolean => isVaultError(error, 'store-unreachable') && error.details['reason'] === 'permission-denied';
    await assert.rejects(async () => { for await (const _ of store.joining.listRequests()) assert.fail('there is none'); }, denied);
    await assert.rejects(store.joining.listInvitations(), denied);
    await assert.rejects(store.writeInventory('nodes', 'mine', Buffer.from('{}')), denied);
    await assert.rejects(store.joining.writeAdmission('mine', Buffer.from('{}')), denied);
    store.close();
  });

  it('a candidate that may not write is told so at once, and does not seem to stand by', async () => {
    const open = (name: string): EtcdStore => openEtcdStore(name, { endpoints: etcd.endpoints, prefix: PREFIX, user: { name, password: PASSWORD } });
    const [elected, reader] = [open('alice'), open('reader')];
    const ignored = { lost: () => undefined, others: () => undefined, problem: () => undefined };
    const campaign = await new Promise<Campaign>((resolve) => {
      const begun: Campaign = elected.election.campaign({ name: 'one', ttlSeconds: 5 }, { ...ignored, elected: () => { setImmediate(() => { resolve(begun); }); } });
    });
    const said = await new Promise<unknown>((resolve) => {
      const begun: Campaign = reader.election.campaign({ name: 'two', ttlSeconds: 5 }, {
        ...ignored, elected: () => undefined, others: resolve, problem: (problem) => { void begun.resign().then(() => { resolve(problem); }); },
      });
    });
    assert.ok(isVaultError(said, 'store-unreachable'), String(said));
    assert.equal(said.details['reason'], 'permission-denied');
    await campaign.resign();
    for (const store of [elected, reader]) store.close();
  });

  it('whoever may only read reads, and is told why nothing is written', async () => {
    await world.result('create item', ['create', 'item', 'vault', 'db', '--search', 'role:web', '--from', '-'], { input: '{"password":"one-one-one"}' });
    const path = `${world.repository}/vault.json`;
    const mine = await readFile(path, 'utf8');
    await writeFile(path, mine.replace('alice.json', 'reader.json'));
    const before = await world.result('show', ['show', 'vault', 'db']);
    for (const args of [['update', 'vault', 'db', '--yes', '--from', '-'], ['node', 'remove', 'web09', '--yes'], ['node', 'invite', '--role', 'web']]) {
      const error = await world.refused('store-unreachable', args, { input: '{"password":"two-two-two"}' });
      assert.equal(error['reason'], 'permission-denied', args.join(' '));
    }
    await writeFile(path, mine);
    assert.deepEqual(await world.result('show', ['show', 'vault', 'db']), before);
    assert.equal((await world.result('node show', ['node', 'show', 'web09']))['name'], 'web09');
  });
});
