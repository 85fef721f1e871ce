/** The agent as a service of systemd: what it says to a service manager, and the unit that it installs. */
import assert from 'node:assert/strict';
import { execFile, spawn } from 'node:child_process';
import { EventEmitter, once } from 'node:events';
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { after, before, describe, test } from 'node:test';
import { promisify } from 'node:util';
import { openAgentScene, type AgentScene } from '../scripts/agentScene.ts';

const run = promisify(execFile);

/** What `systemd-analyze security` may find at most, in tenths of its points from 0 to 10. */
const EXPOSURE = { closed: 20, open: 30 };

/** Prints each message that it gets, and whether the file was there then. */
const LISTEN = `
import json, os, socket, sys
listener = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
listener.bind(sys.argv[1])
print(json.dumps({"lines": ["listening"], "delivered": False}), flush=True)
while True:
    text = listener.recv(65536).decode()
    print(json.dumps({"lines": text.split("\\n"), "delivered": os.path.exists(sys.argv[2])}), flush=True)
`;

interface Message {
  readonly lines: readonly string[];
  readonly delivered: boolean;
}

describe('vault agent under systemd', () => {
  let scene: AgentScene;
  before(async () => {
    scene = await openAgentScene();
    await scene.put('db', { password: 'first' });
  });
  after(() => scene.close());

  test('says that it is ready when all was delivered, and that it lives', async (t) => {
    const [socket, path, moved] = [scene.at('files', 'notify'), scene.at('files', 'db.json'), scene.at('files', 'moved')];
    const listener = spawn('python3', ['-c', LISTEN, socket, path], { stdio: ['ignore', 'pipe', 'inherit'] });
    t.after(() => listener.kill());
    const messages: Message[] = [];
    const heard = new EventEmitter();
    createInterface({ input: listener.stdout }).on('line', (line) => {
      messages.push(JSON.parse(line) as Message);
      heard.emit('message');
    });
    /** The place of the first message from there on that has the line. */
    const place = async (line: string, from = 0): Promise<number> => {
      for (;;) {
        const index = messages.findIndex(({ lines }, i) => i >= from && lines.includes(line));
        if (index >= 0) return index;
        await once(heard, 'message');
      }
    };
    await place('listening');

    const config = await scene.configure({ source: { type: 'folder', path: moved, poll: '100ms' }, deliveries: [{ type: 'file', path, item: 'vault/db' }] });
    const agent = scene.agent(config, { variables: { NOTIFY_SOCKET: socket, WATCHDOG_USEC: '400000' } });
    await place('WATCHDOG=1');
    assert.ok(messages.every(({ lines }) => !lines.includes('READY=1')));
    assert.match(messages.map(({ lines }) => lines.join('\n')).join('\n'), /^STATUS=0 of 1 items, waiting for vault\/db/m);
    await rename(scene.repository, moved);
    const ready = await place('READY=1');
    assert.equal(messages[ready]?.delivered, true);
    assert.equal(agent.log.filter(({ type }) => type === 'ready').length, 1);
    await place('WATCHDOG=1', ready + 1);

    agent.signal('SIGHUP');
    const reloading = await place('RELOADING=1');
    assert.ok(messages[reloading]?.lines.some((line) => /^MONOTONIC_USEC=\d+$/.test(line)));
    await place('READY=1', reloading + 1);
    await agent.stop();
    await place('STOPPING=1', reloading);
    await rename(moved, scene.repository);
  });

  test('installs a unit that systemd takes, closed as far as the configuration allows, and does not replace a changed one', async () => {
    const units = scene.at('files', 'units');
    await mkdir(units);
    const path = join(units, 'iam-vault-agent.service');
    const install = async (config: string, ...flags: string[]): Promise<Record<string, unknown>> =>
      JSON.parse((await scene.start(['agent', 'install', '--json', '--directory', units, '--config', config, ...flags]).finished).stdout) as Record<string, unknown>;
    const places = { state_directory: '/var/lib/iam-vault', runtime_directory: '/run/iam-vault' };
    const closed = await scene.configure({ ...places, deliveries: [{ type: 'file', path: '/run/iam-vault/db', item: 'vault/db' }] }, 'closed.json');
    const open = await scene.configure({
      ...places, endpoint: { port: 9911, consumers: [{ name: 'app', items: ['vault/db'] }] },
      deliveries: [{ type: 'file', path: '/etc/app dir/100%.env', item: 'vault/db', owner: 'app', on_change: { command: ['systemctl', 'reload', 'app'] } }],
    }, 'open.json');

    assert.equal((await install(closed, '--dry-run'))['state'], 'planned');
    await assert.rejects(readFile(path));
    for (const [config, exposure] of [[closed, EXPOSURE.closed], [open, EXPOSURE.open]] as const) {
      await install(config);
      const { stderr } = await run('systemd-analyze', ['verify', '--man=no', '--recursive-errors=no', path]);
      assert.equal(stderr.split('\n').filter((line) => line.includes('iam-vault-agent')).join('\n'), '');
      await run('systemd-analyze', ['security', '--offline=true', `--threshold=${String(exposure)}`, path]);
    }
    const text = await readFile(path, 'utf8');
    assert.match(text, /^ReadWritePaths="-\/etc\/app dir"$/m);
    assert.match(text, /^RuntimeDirectory=iam-vault$/m);
    assert.equal((await install(open))['state'], 'unchanged');
    await writeFile(path, `${text}Environment=A=B\n`);
    assert.equal(((await install(open))['error'] as { code: string }).code, 'file-exists');
    assert.equal((await install(open, '--force'))['state'], 'updated');
    assert.equal(await readFile(path, 'utf8'), text);
  });
});
