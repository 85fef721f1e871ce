import * as Flags from '@oclif/core/flags';
import { resolve as resolvePath } from 'node:path';
import { VaultCommand } from '../cli/vaultCommand.ts';
import { VaultError } from '../errors.ts';
import { createFile } from '../files/write.ts';
import { parseDuration, parseRate } from '../cli/quantities.ts';
import { escapeForTerminal } from '../reporting/escape.ts';
import { awsConfigSnippet, SandboxSetupError, seedAccounts, serveSandbox, type RunningSandbox } from '../sandbox/server.ts';

export default class Sandbox extends VaultCommand {
  static override summary = 'Serve IAM and STS on loopback: try it without an AWS account.';
  static override description = `It speaks AWS's own protocol, so the tool, the AWS CLI and the SDKs work against it. It runs until it is interrupted.

Faults can be changed while it runs: POST /_sandbox/faults; see docs/sandbox.md.`;
  static override examples = [
    '<%= config.bin %> sandbox --account an-aws-account-name --config-file ./aws-config',
    '<%= config.bin %> sandbox --account one --account two --port 4566 --state ./sandbox.json --propagation-delay 2s --throttle 10/s',
  ];
  static override flags = {
    'account': Flags.string({ multiple: true, multipleNonGreedy: true, default: ['sandbox'], helpValue: 'NAME', description: 'an account to serve, as a profile of that name; may be repeated' }),
    'port': Flags.integer({ default: 0, min: 0, max: 65_535, description: 'port on 127.0.0.1; 0 takes a free one' }),
    'config-file': Flags.string({ helpValue: 'FILE', description: 'write an AWS config file for the accounts there (mode 0600, must not exist)' }),
    'state': Flags.string({ helpValue: 'FILE', description: 'keep the accounts in this file between runs' }),
    'propagation-delay': Flags.string({ helpValue: 'TIME', description: 'how long a new key takes to work, as 2s or 500ms' }),
    'throttle': Flags.string({ helpValue: 'RATE', description: 'calls per second and account, as 10/s; what is more is throttled' }),
    'latency': Flags.string({ helpValue: 'TIME', description: 'how long every call takes, as 50ms' }),
  };

  override async run(): Promise<void> {
    const { flags } = await this.parse(Sandbox);
    const output = this.output(flags);
    const configFile = flags['config-file'] === undefined ? undefined : resolvePath(flags['config-file']);
    const throttle = flags.throttle === undefined ? undefined : parseRate('--throttle', flags.throttle);
    const running = await serve({
      port: flags.port,
      accounts: seedAccounts(flags.account),
      ...(flags.state === undefined ? {} : { stateFile: flags.state }),
      faults: {
        ...(flags['propagation-delay'] === undefined ? {} : { propagationDelayMs: parseDuration('--propagation-delay', flags['propagation-delay']) }),
        ...(flags.latency === undefined ? {} : { latencyMs: parseDuration('--latency', flags.latency) }),
        ...(throttle === undefined ? {} : { throttle: { ratePerSecond: throttle, burst: Math.max(1, Math.ceil(throttle)) } }),
      },
    });
    const ended = new Promise<void>((resolve) => {
      process.once('SIGINT', resolve);
      process.once('SIGTERM', resolve);
    });
    try {
      await this.writeConfig(running, configFile);
      const accounts = running.accounts.map(({ name, id }) => ({ name, id }));
      output.result({ url: running.url, accounts, ...(configFile === undefined ? {} : { config_file: configFile }) }, [
        `Serving IAM and STS at ${running.url}`,
        ...accounts.map(({ name, id }) => `  account ${id}  profile ${escapeForTerminal(name)}`),
        ...(configFile === undefined ? ['', awsConfigSnippet(running.accounts, running.url)] : [`Use it with: export AWS_CONFIG_FILE=${shellPath(configFile)}`]),
      ].join('\n'));
      await ended;
    } finally {
      await running.close();
    }
  }

  private async writeConfig(running: RunningSandbox, path: string | undefined): Promise<void> {
    if (path === undefined) return;
    const text = awsConfigSnippet(running.accounts, running.url);
    if (!await createFile(path, new TextEncoder().encode(text), { mode: 0o600 })) {
      throw new VaultError('usage', `${path} exists already; it was left as it is.`, { hint: 'Delete it first if it belongs to a sandbox that has ended, or name another.' });
    }
  }
}

function shellPath(path: string): string {
  const shown = escapeForTerminal(path);
  return /^[\w@%+=:,./-]+$/.test(shown) ? shown : `'${shown.replaceAll("'", `'\\''`)}'`;
}

async function serve(options: Parameters<typeof serveSandbox>[0]): Promise<RunningSandbox> {
  try {
    return await serveSandbox(options);
  } catch (error) {
    if (error instanceof SandboxSetupError) throw new VaultError('usage', error.message, { cause: error, details: { reason: error.code } });
    if (error instanceof Error && 'code' in error && error.code === 'EADDRINUSE') {
      throw new VaultError('usage', `Port ${String(options.port ?? 0)} of 127.0.0.1 is in use.`, { hint: 'Choose another with --port, or leave it out.', cause: error });
    }
    throw error;
  }
}
