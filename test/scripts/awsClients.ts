import assert from 'node:assert/strict';
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { request } from 'node:http';
import { createInterface } from 'node:readline';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { CreateAccessKeyCommand, CreateUserCommand, IAMClient } from '@aws-sdk/client-iam';
import { GetCallerIdentityCommand, STSClient, type STSClientConfig } from '@aws-sdk/client-sts';

const BIN = fileURLToPath(new URL('../../bin/run.js', import.meta.url));

/** What a program with an AWS SDK finds on the machine: nothing but an endpoint in AWS's place, and where its credentials are. */
export interface ClientPlace {
  /** In AWS's place. */
  readonly aws: string;
  /** AWS_CONTAINER_CREDENTIALS_FULL_URI and AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE. */
  readonly uri: string;
  readonly tokenFile: string;
  /** Home, and where the AWS config file is written. */
  readonly home: string;
  readonly configFile: string;
}

/** An AWS config file with the profile `vault`, whose credential_process is `vault agent credential-process` with these arguments. */
export async function writeProfile(configFile: string, args: readonly string[]): Promise<void> {
  const command = [process.execPath, BIN, 'agent', 'credential-process', ...args].join(' ');
  await writeFile(configFile, `[profile vault]\nregion = eu-west-1\ncredential_process = ${command}\n`, { mode: 0o600 });
}

function variables({ aws, uri, tokenFile, home, configFile }: ClientPlace): Readonly<Record<string, string | undefined>> {
  return {
    PATH: process.env['PATH'], HOME: home, AWS_CONFIG_FILE: configFile, AWS_SHARED_CREDENTIALS_FILE: '/nonexistent', AWS_EC2_METADATA_DISABLED: 'true',
    AWS_ENDPOINT_URL: aws, AWS_REGION: 'eu-west-1', AWS_DEFAULT_REGION: 'eu-west-1', AWS_CONTAINER_CREDENTIALS_FULL_URI: uri, AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE: tokenFile,
  };
}

/** Who the AWS command line is, by the endpoint or, with a profile, by its credential_process. */
export async function awsCommandLine(place: ClientPlace, profile?: string): Promise<string> {
  const args = ['sts', 'get-caller-identity', '--query', 'Arn', '--output', 'text', ...(profile === undefined ? [] : ['--profile', profile])];
  return (await promisify(execFile)('aws', args, { env: variables(place) })).stdout.trim();
}

/** A program with boto3, which goes on running with the clients that it made at its beginning. */
export interface Boto {
  /** Who it is by the endpoint and by the credential_process of the profile `vault`. */
  ask(): Promise<{ readonly endpoint: string; readonly process: string }>;
  end(): Promise<void>;
}

const PROGRAM = `
import json, sys, boto3
sessions = {'endpoint': boto3.Session(), 'process': boto3.Session(profile_name='vault')}
clients = {name: session.client('sts') for name, session in sessions.items()}
for _ in sys.stdin:
    print(json.dumps({name: client.get_caller_identity()['Arn'] for name, client in clients.items()}), flush=True)
`;

export function startBoto(place: ClientPlace): Boto {
  const child = spawn('python3', ['-c', PROGRAM], { env: variables(place), stdio: ['pipe', 'pipe', 'pipe'] });
  const errors = text(child.stderr);
  const ended = once(child, 'exit');
  const lines = createInterface({ input: child.stdout });
  return {
    async ask() {
      const answer = once(lines, 'line');
      child.stdin.write('\n');
      const [line] = await Promise.race([answer, ended.then(async () => assert.fail(await errors))]) as [string];
      return JSON.parse(line) as { endpoint: string; process: string };
    },
    async end() {
      child.stdin.end();
      await ended;
    },
  };
}

/** A client of the SDK for JavaScript, and who it is. */
export function javascriptClient(aws: string, credentials: NonNullable<STSClientConfig['credentials']>): () => Promise<string> {
  const client = new STSClient({ endpoint: aws, region: 'eu-west-1', credentials });
  return async () => String((await client.send(new GetCallerIdentityCommand({}))).Arn);
}

/** Makes a user with an access key. @returns the value of an item's field `data` */
export async function newUser(aws: string, UserName: string): Promise<{ aws_access_key_id: string; aws_secret_access_key: string }> {
  const iam = new IAMClient({ endpoint: aws, region: 'us-east-1', credentials: { accessKeyId: 'AKIAIOSFODNN7EXAMPLE', secretAccessKey: 'any' } });
  await iam.send(new CreateUserCommand({ UserName }));
  const { AccessKey } = await iam.send(new CreateAccessKeyCommand({ UserName }));
  assert.ok(AccessKey?.AccessKeyId !== undefined && AccessKey.SecretAccessKey !== undefined);
  return { aws_access_key_id: AccessKey.AccessKeyId, aws_secret_access_key: AccessKey.SecretAccessKey };
}

/** A reply to a request that no SDK would make. */
export interface RawReply {
  readonly status: number;
  readonly headers: Readonly<Record<string, unknown>>;
  readonly body: Readonly<Record<string, unknown>>;
}

export function rawRequest(port: number, path: string, headers: Readonly<Record<string, string>>, method = 'GET'): Promise<RawReply> {
  return new Promise((resolve, reject) => {
    request({ host: '127.0.0.1', port, path, headers, method, agent: false }, (response) => {
      text(response).then((body) => { resolve({ status: response.statusCode ?? 0, headers: response.headers, body: JSON.parse(body) as RawReply['body'] }); }, reject);
    }).on('error', reject).end();
  });
}
