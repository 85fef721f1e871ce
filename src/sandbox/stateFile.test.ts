import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { describe, it } from 'node:test';
import { CreateAccessKeyCommand, CreateUserCommand, IAMClient, ListAccessKeysCommand, ListUserTagsCommand } from '@aws-sdk/client-iam';
import { GetCallerIdentityCommand, STSClient } from '@aws-sdk/client-sts';
import { seedAccounts, serveSandbox, SandboxSetupError, type RunningSandbox } from './server.ts';
import { createSaver, decodeState, encodeState, readStateFile } from './stateFile.ts';

async function withDirectory(test: (directory: string) => Promise<void>): Promise<void> {
  const directory = await mkdtemp(join(tmpdir(), 'sandbox-state-'));
  try {
    await test(directory);
  } finally {
    await rm(directory, { recursive: true });
  }
}

function iamAt({ url, accounts }: Pick<RunningSandbox, 'url' | 'accounts'>): IAMClient {
  const [account] = accounts;
  assert.ok(account);
  return new IAMClient({ endpoint: url, region: 'us-east-1', maxAttempts: 1, credentials: { ...account } });
}

/** A sandbox in a process of its own, which says where it listens on its standard output. */
async function startProcess(stateFile: string): Promise<{ at: Pick<RunningSandbox, 'url' | 'accounts'>; kill: () => Promise<void> }> {
  const server = new URL('./server.ts', import.meta.url).href;
  const program = `
    const { serveSandbox, seedAccounts } = await import(${JSON.stringify(server)});
    const { url, accounts } = await serveSandbox({ accounts: seedAccounts(['one']), stateFile: ${JSON.stringify(stateFile)} });
    console.log(JSON.stringify({ url, accounts }));`;
  const child = spawn(process.execPath, ['--import', 'tsx', '--input-type=module', '--eval', program], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const exited = once(child, 'exit');
  const [line] = (await once(createInterface(child.stdout), 'line')) as [string];
  return {
    at: JSON.parse(line) as Pick<RunningSandbox, 'url' | 'accounts'>,
    kill: async () => {
      child.kill('SIGKILL');
      await exited;
    },
  };
}

describe('state file', () => {
  it('survives SIGKILL: everything that was answered is there again', () =>
    withDirectory(async (directory) => {
      const path = join(directory, 'state.json');
      const first = await startProcess(path);
      const iam = iamAt(first.at);
      const names = Array.from({ length: 20 }, (_, index) => `u${String(index)}`);
      await Promise.all(names.map((UserName) => iam.send(new CreateUserCommand({ UserName, Tags: [{ Key: 'k', Value: UserName }] }))));
      const { AccessKey } = await iam.send(new CreateAccessKeyCommand({ UserName: 'u0' }));
      await first.kill();

      assert.equal((await stat(path)).mode & 0o777, 0o600);
      const second = await startProcess(path);
      try {
        assert.deepEqual(second.at.accounts, first.at.accounts);
        const again = iamAt(second.at);
        for (const UserName of names) {
          assert.equal((await again.send(new ListUserTagsCommand({ UserName }))).Tags?.[0]?.Value, UserName);
        }
        const { AccessKeyMetadata } = await again.send(new ListAccessKeysCommand({ UserName: 'u0' }));
        assert.equal(AccessKeyMetadata?.[0]?.AccessKeyId, AccessKey?.AccessKeyId);
        const credentials = { accessKeyId: AccessKey?.AccessKeyId ?? '', secretAccessKey: AccessKey?.SecretAccessKey ?? '' };
        const sts = new STSClient({ endpoint: second.at.url, region: 'us-east-1', credentials });
        assert.match((await sts.send(new GetCallerIdentityCommand({}))).Arn ?? '', /:user\/u0$/);
      } finally {
        await second.kill();
      }
    }));

  it('what is read and written again is the same text', () =>
    withDirectory(async (directory) => {
      const stateFile = join(directory, 'state.json');
      const server = await serveSandbox({ accounts: seedAccounts(['one', 'two']), stateFile });
      await iamAt(server).send(new CreateUserCommand({ UserName: 'u', Tags: [{ Key: '__proto__', Value: 'x' }] }));
      await server.close();
      const text = await readFile(stateFile, 'utf8');
      assert.equal(encodeState(decodeState(text)), text);
      assert.deepEqual(await readdir(directory), ['state.json']);
    }));

  it('is refused when it is not ours or open to others, and no secret is told', () =>
    withDirectory(async (directory) => {
      const path = join(directory, 'state.json');
      const code = async (text: string, mode = 0o600): Promise<string> => {
        await writeFile(path, text);
        await chmod(path, mode);
        try {
          await readStateFile(path);
          return 'ok';
        } catch (error) {
          assert.ok(error instanceof SandboxSetupError);
          assert.ok(!error.message.includes('topsecret'));
          return error.code;
        }
      };
      assert.equal(await readStateFile(path), undefined);
      assert.equal(await code('{"secret":"topsecret"'), 'state-file-invalid');
      assert.equal(await code('{"secret":"topsecret"}'), 'state-file-invalid');
      assert.equal(await code('{}', 0o644), 'state-file-exposed');
      await rm(path);
      await assert.rejects(readStateFile(directory), SandboxSetupError);
    }));

  it('is replaced over what a killed sandbox left, one write for many waiting', () =>
    withDirectory(async (directory) => {
      const path = join(directory, 'state.json');
      await writeFile(`${path}.new`, 'half', { mode: 0o644 });
      let written = 0;
      const save = createSaver(path, () => String((written += 1)));
      await Promise.all(Array.from({ length: 10 }, () => save()));
      assert.equal(written, 1);
      await Promise.all([save(), save()]);
      assert.equal(await readFile(path, 'utf8'), '2');
      assert.equal((await stat(path)).mode & 0o777, 0o600);
      await assert.rejects(createSaver(join(directory, 'absent', 'state.json'), () => '')());
    }));
});
