/** AWS credentials from the agent, as the programs get them that people use. AWS is moto, where not said otherwise. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { chmod, readFile, stat } from 'node:fs/promises';
import { connect, type Socket } from 'node:net';
import { after, before, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { fromHttp, fromProcess } from '@aws-sdk/credential-providers';
import { CreateAccessKeyCommand, IAMClient } from '@aws-sdk/client-iam';
import type { AwsCredentialIdentityProvider } from '@smithy/types';
import { fromVault } from '../../src/aws.ts';
import { seedAccounts, serveSandbox } from '../../src/sandbox/server.ts';
import { openAgentScene, type AgentScene, type RunningAgent } from '../scripts/agentScene.ts';
import { awsCommandLine, javascriptClient, newUser, rawRequest, startBoto, writeProfile, type ClientPlace } from '../scripts/awsClients.ts';
import { freePort, startMoto, type MotoServer } from '../scripts/motoServer.ts';
import { skipWithout } from '../scripts/peers.ts';

const BUILT = fileURLToPath(new URL('../../dist/aws.js', import.meta.url));
const WRONG_CLOCK = fileURLToPath(new URL('../scripts/wrongClock.mjs', import.meta.url));
const DAY = 86_400_000;
/** Every client asks again each time: botocore below 15 minutes, the SDK for JavaScript below 5. */
const SHORT = '4m';

const skip = skipWithout('moto_server') || skipWithout('aws') || skipWithout('python3 boto3');

describe('AWS credentials', { skip }, () => {
  let moto: MotoServer;
  let scene: AgentScene;
  let agent: RunningAgent;
  let config: string;
  let port: number;
  let place: ClientPlace;
  const tokenOf = (name: string): Promise<string> => readFile(scene.at('files', 'run', 'tokens', name), 'utf8');
  const consumers = [{ name: 'app', items: ['vault/db'] }, { name: 'other', items: ['vault/role', 'vault/none'], mode: '0440' }];

  before(async () => {
    [moto, scene, port] = await Promise.all([startMoto(), openAgentScene(), freePort()]);
    await scene.put('db', { data: await newUser(moto.url, 'first') });
    await scene.put('role', { data: await newUser(moto.url, 'service') });
    await scene.put('none', { data: 'no key' });
    config = await scene.configure({
      endpoint: { port, consumers },
      credentials: [
        { item: 'vault/db', mode: 'key', lifetime: SHORT },
        { item: 'vault/role', mode: 'session', role_arn: 'arn:aws:iam::123456789012:role/reader', role_session_name: 'n1', endpoint_url: moto.url },
      ],
    });
    agent = scene.agent(config);
    await agent.logged('session-opened');
    place = {
      aws: moto.url, uri: `http://127.0.0.1:${String(port)}/v1/credentials/vault/db`, tokenFile: scene.at('files', 'run', 'tokens', 'app'),
      home: scene.directory, configFile: scene.at('config', 'aws'),
    };
    await writeProfile(place.configFile, ['--config', config, 'vault', 'db']);
  });
  after(async () => {
    await scene.close();
    await moto.stop();
  });

  test('every client, in every way; and those that run take on a new key', async (t) => {
    const boto = startBoto(place);
    t.after(() => boto.end());
    const { fromVault: built } = await import(BUILT) as { fromVault: typeof fromVault };
    const library: AwsCredentialIdentityProvider = built({ repository: scene.repository, identity: scene.node, stateDirectory: scene.at('state', 'library'), vault: 'vault', item: 'db', lifetimeSeconds: 240, pin: scene.roster });
    const clients = [
      javascriptClient(moto.url, fromHttp({ awsContainerCredentialsFullUri: place.uri, awsContainerAuthorizationTokenFile: place.tokenFile })),
      javascriptClient(moto.url, fromProcess({ profile: 'vault', configFilepath: place.configFile, filepath: '/nonexistent' })),
      javascriptClient(moto.url, library),
    ];
    const everyone = async (): Promise<string[]> => {
      const [all, javascript] = await Promise.all([boto.ask(), Promise.all(clients.map((ask) => ask()))]);
      return [all.endpoint, all.process, ...javascript];
    };
    const arn = (user: string): string => `arn:aws:iam::123456789012:user/${user}`;
    assert.deepEqual(await Promise.all([awsCommandLine(place), awsCommandLine(place, 'vault')]), [arn('first'), arn('first')]);
    assert.deepEqual(await everyone(), Array<string>(5).fill(arn('first')));

    await scene.put('db', { data: await newUser(moto.url, 'second') });
    await agent.logged('item-verified', (line) => line['item'] === 'db' && line['generation'] === 2);
    assert.deepEqual(await everyone(), Array<string>(5).fill(arn('second')));

    const served = agent.log.filter(({ type }) => type === 'credentials-served');
    assert.deepEqual(new Set(served.map((line) => line['consumer'])), new Set(['app', '(agent user)']));
    assert.deepEqual(new Set(served.map((line) => line['generation'])), new Set([1, 2]));
  });

  test('the library goes on with the last good key where the item cannot be read', async () => {
    const notices: string[] = [];
    await scene.put('kept', { data: { aws_access_key_id: 'AKIAKEPT', aws_secret_access_key: 'kept' } });
    const provider = fromVault({ repository: scene.repository, identity: scene.node, stateDirectory: scene.at('state', 'library'), vault: 'vault', item: 'kept', pin: scene.roster, onNotice: (text) => { notices.push(text); } });
    const first = await provider();
    assert.ok(first.expiration.getTime() - Date.now() > 20 * 60_000);
    await chmod(scene.node, 0o644);
    const second = await provider().finally(() => chmod(scene.node, 0o600));
    assert.deepEqual([second.accessKeyId, notices.length], ['AKIAKEPT', 1]);
    assert.ok(second.expiration.getTime() - Date.now() < 10 * 60_000);
    const missing = fromVault({ repository: scene.repository, identity: scene.node, stateDirectory: scene.at('state', 'library'), vault: 'vault', item: 'nothing', pin: scene.roster });
    await assert.rejects(missing(), { code: 'item-not-found' });
  });

  test('a role: temporary credentials for clients, and the key for nobody', async () => {
    const [reply, { mode }] = [await rawRequest(port, '/v1/credentials/vault/role', { authorization: await tokenOf('other') }), await stat(scene.at('files', 'run', 'tokens', 'other'))];
    assert.equal(reply.status, 200);
    assert.match(String(reply.body['AccessKeyId']), /^ASIA/);
    assert.equal(mode & 0o777, 0o440);
    const left = Date.parse(String(reply.body['Expiration'])) - Date.now();
    assert.ok(left > 20 * 60_000 && left <= 25 * 60_000, String(left));
    const uri = place.uri.replace(/db$/, 'role');
    const role = { ...place, uri, tokenFile: scene.at('files', 'run', 'tokens', 'other') };
    assert.equal(await awsCommandLine(role), 'arn:aws:sts::123456789012:assumed-role/reader/n1');
  });

  test('nobody gets what is not theirs', async () => {
    const [app, other] = [await tokenOf('app'), await tokenOf('other')];
    const [own, none] = ['/v1/credentials/vault/db', '/v1/credentials/vault/nothing'];
    const asked = async (path: string, headers: Record<string, string>, method?: string): Promise<number> => {
      const { status, body, headers: sent } = await rawRequest(port, path, headers, method);
      assert.equal(status === 200, 'SecretAccessKey' in body);
      assert.ok(!Object.keys(sent).some((name) => name.startsWith('access-control-')));
      return status;
    };
    assert.equal(await asked(own, { authorization: app }), 200);
    assert.equal(await asked(own.replace('db', '%64b'), { authorization: app }), 200);
    for (const authorization of ['', 'x', app.slice(1), `${app}x`, `Bearer ${app}`, app.toLowerCase()]) assert.equal(await asked(own, { authorization }), 401);
    assert.equal(await asked(own, {}), 401);
    const [foreign, missing] = await Promise.all([own, none].map((path) => rawRequest(port, path, { authorization: other })));
    assert.deepEqual([foreign?.status, foreign?.body], [403, missing?.body], 'whether an item exists is not told');
    for (const path of ['/', '/v1/credentials/', '/v1/credentials/vault/../vault/role', '/v1/credentials/%', '/v1/status']) assert.equal(await asked(path, { authorization: app }), 403, path);
    for (const headers of [{ host: 'evil.example' }, { host: `evil.example:${String(port)}` }, { origin: 'http://127.0.0.1' }, { origin: 'null' }, { 'sec-fetch-site': 'cross-site' }, { 'sec-fetch-mode': 'no-cors' }]) {
      assert.equal(await asked(own, { authorization: app, ...headers }), 403, JSON.stringify(headers));
    }
    assert.equal(await asked(own, { authorization: app, host: `localhost:${String(port)}` }), 200);
    for (const method of ['POST', 'OPTIONS', 'PUT']) assert.equal(await asked(own, { authorization: app }, method), 405);
    // An item that holds no key is an error of the item, with a code that SDKs show, and a problem of the agent.
    const { status, body } = await rawRequest(port, '/v1/credentials/vault/none', { authorization: other });
    assert.deepEqual([status, body['Code']], [503, 'Unavailable']);
    assert.deepEqual((await agent.status()).problems.map(({ subject, code }) => [subject, code]), [['vault/none', 'field-format']]);
    const log = JSON.stringify(agent.log);
    assert.ok(!log.includes(app) && !log.includes(other));
  });

  test('one that connects as fast as it can: the others are served, and memory is bounded', async (t) => {
    const authorization = await tokenOf('app');
    const before = await residentKiB(agent.pid);
    const began = performance.now();
    let opened = 0;
    const held = new Set<Socket>();
    // As fast as they are accepted: half of them say nothing, the others ask without a token and never go.
    for (let wave = 0; wave < 60; wave++) {
      await Promise.all(Array.from({ length: 50 }, async (_, i) => {
        const socket = connect(port, '127.0.0.1').on('error', () => undefined).on('close', () => held.delete(socket));
        held.add(socket);
        await once(socket, 'connect');
        if (i % 2 === 0) socket.write(`GET /v1/credentials/vault/db HTTP/1.1\r\nHost: localhost\r\nAuthorization: ${String(wave)}\r\n\r\n`);
        socket.resume();
        opened++;
      }));
      assert.equal((await rawRequest(port, '/v1/credentials/vault/db', { authorization })).status, 200, `wave ${String(wave)}`);
    }
    t.diagnostic(`${String(Math.round(opened / ((performance.now() - began) / 1000)))} connections a second`);
    for (const socket of held) socket.destroy();
    const grown = await residentKiB(agent.pid) - before;
    assert.ok(grown < 64 * 1024, `${String(grown)} KiB more after ${String(opened)} connections`);
    const refused = agent.log.filter(({ type }) => type === 'request-refused').length;
    assert.ok(refused < opened / 4, 'a storm is not written down line by line');
  });

  test('a new start keeps the tokens; a consumer that is taken out has none any more', async () => {
    const [app, other] = [await tokenOf('app'), await tokenOf('other')];
    await agent.stop();
    agent = scene.agent(config);
    await agent.logged('started');
    assert.deepEqual([await tokenOf('app'), await tokenOf('other')], [app, other]);
    assert.equal((await rawRequest(port, '/v1/credentials/vault/db', { authorization: app })).status, 200);

    await chmod(scene.at('files', 'run', 'tokens', 'app'), 0o444); // Whoever could read it meanwhile has nothing of it.
    await scene.configure({ endpoint: { port, consumers: [consumers[0]] }, credentials: [{ item: 'vault/db', mode: 'key', lifetime: SHORT }] });
    agent.signal('SIGHUP');
    await agent.logged('reloaded');
    await assert.rejects(tokenOf('other'), { code: 'ENOENT' });
    assert.equal((await rawRequest(port, '/v1/credentials/vault/role', { authorization: other })).status, 401);
    assert.equal((await rawRequest(port, '/v1/credentials/vault/db', { authorization: app })).status, 401);
    assert.equal((await rawRequest(port, '/v1/credentials/vault/db', { authorization: await tokenOf('app') })).status, 200);
  });

  test('credential-process without an agent, as a consumer, and when it fails', async () => {
    const ask = (...args: string[]): ReturnType<typeof scene.vault> => scene.vault('agent', 'credential-process', ...args);
    const consumer = await ask('--token-file', scene.at('files', 'run', 'tokens', 'app'), '--endpoint', `http://127.0.0.1:${String(port)}`, 'vault', 'db');
    const { Version, Expiration, ...key } = JSON.parse(consumer.stdout) as Record<string, string>;
    assert.equal(Version, 1);
    assert.ok(Expiration);
    const failing = async (exitCode: number, ...args: string[]): Promise<void> => {
      const end = await ask(...args);
      assert.deepEqual([end.exitCode, end.stdout], [exitCode, ''], end.stderr);
      assert.notEqual(end.stderr, '');
    };
    await failing(7, '--token-file', scene.at('files', 'run', 'tokens', 'app'), '--endpoint', `http://127.0.0.1:${String(port)}`, 'vault', 'role');
    await failing(1, '--config', config, 'vault', 'role');
    await agent.stop();
    const offline = await scene.configure({
      source: { type: 'folder', path: scene.at('files', 'nowhere') }, items: ['vault/db'], credentials: [{ item: 'vault/role', mode: 'session', endpoint_url: moto.url }],
    });
    for (const args of [['--config', offline], ['--repository', scene.repository, '--identity', scene.node]]) {
      const { AccessKeyId, SecretAccessKey } = JSON.parse((await ask(...args, 'vault', 'db')).stdout) as Record<string, string>;
      assert.deepEqual({ AccessKeyId, SecretAccessKey }, key);
    }
    await failing(7, '--config', offline, 'vault', 'role'); // Its key must not leave an agent, and there is none.
    await failing(7, '--token-file', scene.at('files', 'run', 'tokens', 'app'), '--endpoint', `http://127.0.0.1:${String(port)}`, 'vault', 'db');
    await failing(3, '--token-file', '/dev/null', 'vault', 'db');
  });
});

test('sessions while STS throttles, while it is down, and with a clock that is a day off', async (t) => {
  const scene = await openAgentScene();
  t.after(() => scene.close());
  // Our sandbox: it can be told to throttle, and it checks signatures and their time as AWS does.
  const sts = await serveSandbox({ accounts: seedAccounts(['one']) });
  const [account] = sts.accounts;
  assert.ok(account);
  const iam = new IAMClient({ endpoint: sts.url, region: 'us-east-1', credentials: account });
  const field = (id: string | undefined, secret: string | undefined) => ({ data: { aws_access_key_id: id, aws_secret_access_key: secret } });
  await scene.put('db', field(account.accessKeyId, account.secretAccessKey));
  const port = await freePort();
  const more = { endpoint: { port, consumers: [{ name: 'app', items: ['vault/db'] }] }, credentials: [{ item: 'vault/db', mode: 'session', duration: '15m', endpoint_url: sts.url }] };
  const ask = async (): Promise<Readonly<Record<string, unknown>>> => (await rawRequest(port, '/v1/credentials/vault/db', { authorization: await readFile(scene.at('files', 'run', 'tokens', 'app'), 'utf8') })).body;
  const config = await scene.configure(more);

  for (const offset of [DAY, -DAY]) {
    const elsewhen = scene.agent(config, { nodeOptions: ['--import', WRONG_CLOCK], variables: { CLOCK_OFFSET_MS: String(offset) } });
    await elsewhen.logged('session-opened');
    const left = Date.parse(String((await ask())['Expiration'])) - (Date.now() + offset);
    assert.ok(left > 800_000 && left <= 900_000, String(left));
    await elsewhen.stop();
  }

  const agent = scene.agent(config);
  await agent.logged('session-opened');
  const first = await ask();
  sts.sandbox.setFaults({ fail: [{ action: 'GetSessionToken', code: 'Throttling', times: 1000 }] });
  const { AccessKey } = await iam.send(new CreateAccessKeyCommand({}));
  await scene.put('db', field(AccessKey?.AccessKeyId, AccessKey?.SecretAccessKey));
  await agent.logged('session-failed', (line) => line['code'] === 'aws-throttled');
  assert.equal((await ask())['AccessKeyId'], first['AccessKeyId']);
  assert.deepEqual((await agent.status()).problems.map(({ subject, code }) => [subject, code]), [['vault/db', 'aws-throttled']]);

  sts.sandbox.setFaults({ fail: [] });
  const { accessKeyId } = await agent.logged('session-opened', (line) => line['accessKeyId'] !== first['AccessKeyId']);
  assert.equal((await ask())['AccessKeyId'], accessKeyId);
  assert.deepEqual((await agent.status()).problems, []);

  await sts.close();
  await scene.put('db', field(account.accessKeyId, account.secretAccessKey));
  await agent.logged('session-failed', (line) => line['code'] === 'aws-unreachable');
  assert.equal((await ask())['AccessKeyId'], accessKeyId);
  assert.ok(!JSON.stringify(agent.log).includes(account.secretAccessKey));
  await agent.stop();
});

async function residentKiB(pid: number): Promise<number> {
  return Number(/VmRSS:\s+(\d+)/.exec(await readFile(`/proc/${String(pid)}/status`, 'utf8'))?.[1]);
}
