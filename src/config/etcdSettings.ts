import { isAbsolute, join, resolve } from 'node:path';
import * as z from 'zod/mini';
import { VaultError } from '../errors.ts';
import { readRegularFile } from '../files/read.ts';
import { parseJson } from '../json/parse.ts';
import { validate } from '../json/validate.ts';
import { endpointsSchema, etcdAddress } from '../stores/etcd/address.ts';
import type { EtcdSettings } from '../stores/etcd/client.ts';
import type { Environment } from './environment.ts';

/** From the root, from the directory of vault.json, or from the home of whoever runs the program (`~/`). */
const path = z.string().check(z.minLength(1), z.maxLength(4096));

/** Member `store` of vault.json, for an etcd. */
export const etcdStoreSchema = z.strictObject({
  engine: z.literal('etcd'),
  ...etcdAddress,
  tls: z.optional(z.strictObject({ ca_file: z.optional(path), cert_file: z.optional(path), key_file: z.optional(path) })),
  credentials_file: z.optional(path),
});

export type EtcdStoreConfig = z.output<typeof etcdStoreSchema>;

/** What is read of a configuration that names an etcd, whoever's it is. */
export type EtcdPlaces = Pick<EtcdStoreConfig, 'endpoints' | 'prefix' | 'tls' | 'credentials_file'>;
type Reader = Pick<Environment, 'uid' | 'home'>;

const credentialsSchema = z.strictObject({ endpoints: endpointsSchema, user: z.string().check(z.minLength(1), z.maxLength(256)), password: z.string().check(z.minLength(1), z.maxLength(1024)) });

const MAX_BYTES = 1 << 16;
const OTHERS = 0o077;

/**
 * Reads what vault.json names of an etcd: certificates, and who asks. A password goes to no endpoint that its own file does not name: whoever writes
 * vault.json, in a repository that many can push to, decides where the program connects and which file it reads.
 * @param root directory of vault.json
 * @param file the configuration, for messages
 * @throws VaultError input-*, identity-too-open, repository-foreign
 */
export async function readEtcdSettings(environment: Reader, root: string, config: EtcdPlaces, file = `vault.json in ${root}`): Promise<EtcdSettings> {
  const { prefix, tls = {} } = config;
  const normal = config.endpoints.map((text) => new URL(text).origin);
  const secure = new Set(normal.map((origin) => origin.startsWith('https:')));
  if (secure.size > 1) throw invalid('The endpoints of etcd are partly with TLS and partly without.', 'Name all of them with https://.');
  if (secure.has(false) && config.tls !== undefined) throw invalid(`${file} has certificates for an etcd, and names it with http://.`, 'Name it with https://, or leave "tls" out.');
  if ((tls.cert_file === undefined) !== (tls.key_file === undefined)) throw invalid('A client certificate for etcd needs both "cert_file" and "key_file".', 'Name both in "tls".');
  const read = async (name: string | undefined, secret: boolean): Promise<Uint8Array | undefined> =>
    name === undefined ? undefined : await readSetting(environment, placeOf(environment, root, name), secret, 'Name another file in "tls".');
  const user = await readUser(environment, root, config, normal, file);
  return {
    endpoints: normal, prefix, user,
    tls: { ca: await read(tls.ca_file, false), certificate: await read(tls.cert_file, false), key: await read(tls.key_file, true) },
  };
}

async function readUser(environment: Reader, root: string, { credentials_file }: EtcdPlaces, endpoints: readonly string[], named: string): Promise<EtcdSettings['user']> {
  if (credentials_file === undefined) return undefined;
  const file = placeOf(environment, root, credentials_file);
  const bytes = await readSetting(environment, file, true, 'Write it, with mode 0600: {"endpoints": ["https://…"], "user": "…", "password": "…"}.');
  const { user, password, endpoints: own } = validate(credentialsSchema, parseJson(bytes, file), () => ['endpoints', 'user', 'password']);
  bytes.fill(0);
  const allowed = new Set(own.map((text) => new URL(text).origin));
  const others = endpoints.filter((each) => !allowed.has(each));
  if (others.length > 0) {
    throw new VaultError('repository-foreign', `${named} names an etcd that the password in ${file} is not for: ${others.join(', ')}. Nothing was sent.`, {
      hint: `If it is yours, add it to "endpoints" in ${file}.`, details: { root, file, endpoints: others },
    });
  }
  const open = endpoints.find((each) => each.startsWith('http:') && !isLoopback(new URL(each).hostname));
  if (open !== undefined) throw invalid(`A password would go to ${open} without TLS.`, 'Use https://; http:// is for this machine alone.');
  return { name: user, password };
}

function placeOf(environment: Reader, root: string, name: string): string {
  if (!name.startsWith('~/')) return resolve(root, name);
  if (!isAbsolute(environment.home)) throw invalid('There is no home directory: HOME is empty or not a path from the root.', 'Set HOME, or name the file from the root.');
  return join(environment.home, name.slice(2));
}

async function readSetting({ uid }: Reader, path: string, secret: boolean, hint: string): Promise<Uint8Array> {
  const file = await readRegularFile(path, { maxBytes: MAX_BYTES, followLink: true });
  if (file === undefined) throw new VaultError('input-unreadable', `There is no file ${path}, which the configuration names for etcd.`, { hint, details: { source: path } });
  if (secret && ((file.mode & OTHERS) !== 0 || (uid !== undefined && uid !== 0 && file.uid !== uid && file.uid !== 0))) {
    throw new VaultError('identity-too-open', `The secret file ${path} is not yours alone: its mode is ${file.mode.toString(8).padStart(4, '0')}, its owner ${String(file.uid)}.`, {
      hint: `Run "chmod 600 ${path}". If others could read it for long, change the secret.`, details: { path, mode: file.mode, owner: file.uid },
    });
  }
  return file.bytes;
}

function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '[::1]' || /^127(\.\d{1,3}){3}$/.test(host);
}

function invalid(message: string, hint: string): VaultError {
  return new VaultError('input-invalid', message, { hint });
}
