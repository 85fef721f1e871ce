import { dirname, isAbsolute } from 'node:path';
import type { AgentConfiguration } from '../agent/configuration/configuration.ts';
import type { AccessConfiguration, ContentConfiguration } from '../agent/configuration/schema.ts';
import { diskWarning } from '../agent/delivery/deliveries.ts';
import { openTemplates } from '../agent/delivery/template.ts';
import { isVaultError, VaultError, type ErrorCode } from '../errors.ts';
import { accountNumber } from '../files/accounts.ts';
import { pathKind, readRegularFile } from '../files/read.ts';
import { trustedPath } from '../files/trusted.ts';
import type { JsonDocument, JsonPath } from '../json/parse.ts';
import { formatPath } from '../json/validate.ts';
import type { EtcdStore } from '../stores/etcd/etcdStore.ts';
import { OWN_DIRECTORIES } from './agentFile.ts';
import { openEtcdOf } from './agentSettings.ts';
import { loadIdentity } from './identities.ts';

/** Something that a good configuration names, and that is not so on this machine. */
export interface AgentFinding {
  /** `error`: the agent would not start, or something would never be delivered. `warning`: it goes on without, and takes it up when it is there. */
  readonly severity: 'error' | 'warning';
  readonly path: string;
  readonly line: number;
  readonly column: number;
  readonly code: ErrorCode;
  readonly message: string;
  readonly hint: string | undefined;
}

const MAX_CERTIFICATE_BYTES = 1 << 20;

/** Compares a configuration with this machine; runs nothing and changes nothing. What this user may not see is a warning. In the order of the text. */
export async function checkAgentSurroundings(configuration: AgentConfiguration, document: JsonDocument): Promise<AgentFinding[]> {
  const findings: AgentFinding[] = [];
  const templates = openTemplates();
  /** @param work throws what is wrong */
  const check = async (path: JsonPath, severity: AgentFinding['severity'], work: () => Promise<void>): Promise<void> => {
    try {
      await work();
    } catch (error) {
      if (!isVaultError(error)) throw error;
      const isHidden = error.code === 'input-unreadable' && errnoOf(error) === 'EACCES';
      findings.push({ severity: isHidden ? 'warning' : severity, path: formatPath(path), ...document.locate(path), code: error.code, message: error.message, hint: error.hint });
    }
  };
  const checkAccounts = async (path: JsonPath, { owner, group }: Partial<AccessConfiguration>): Promise<void> => {
    if (owner !== undefined) await check([...path, 'owner'], 'error', async () => { await accountNumber('user', owner); });
    if (group !== undefined) await check([...path, 'group'], 'error', async () => { await accountNumber('group', group); });
  };
  const checkContent = async (path: JsonPath, { template }: ContentConfiguration): Promise<void> => {
    if (template !== undefined) await check([...path, 'template'], 'error', () => templates.check(template));
  };

  const reader = { canSign: true };
  await check(['identity'], 'error', async () => {
    const identity = await loadIdentity(configuration.identity);
    reader.canSign = identity.signingKey !== undefined;
    identity.wipe();
  });
  if (configuration.report !== undefined && !reader.canSign) {
    await check(['report'], 'error', () => Promise.reject(new VaultError('key-invalid', 'An age identity cannot sign, so nothing would be reported.', { hint: 'Use an identity of "vault key generate", or an SSH ed25519 key; or leave "report" out.' })));
  }
  for (const member of OWN_DIRECTORIES) await check([member], 'error', async () => { await trustedPath(configuration[member]); });
  const { source, runtime_directory: runtime, endpoint } = configuration;
  if (source.type === 'folder') await check(['source', 'path'], 'warning', () => requireDirectory(source.path));
  else if (source.type === 'etcd') await checkEtcd(source, check);
  else if (source.ca_file !== undefined) await check(['source', 'ca_file'], 'error', () => requireFile(source.ca_file ?? '', 'file of certificates', MAX_CERTIFICATE_BYTES));
  for (const [i, delivery] of configuration.deliveries.entries()) {
    const path = ['deliveries', i];
    await checkAccounts(path, delivery);
    const parent = dirname(delivery.path);
    const onDisk = diskWarning(delivery);
    if (onDisk !== undefined) findings.push({ severity: 'warning', path: formatPath([...path, 'path']), ...document.locate([...path, 'path']), code: 'plaintext-on-disk', message: onDisk, hint: undefined });
    if (parent !== runtime) await check([...path, 'path'], 'warning', () => requireDirectory(parent));
    if (delivery.type !== 'directory') await checkContent(path, delivery);
    else {
      for (const [j, file] of delivery.files.entries()) {
        await checkAccounts([...path, 'files', j], file);
        await checkContent([...path, 'files', j], file);
      }
    }
    if (delivery.type !== 'socket') await check([...path, 'on_change', 'command'], 'error', () => requireProgram(delivery.on_change?.command[0]));
  }
  for (const [i, consumer] of (endpoint?.consumers ?? []).entries()) await checkAccounts(['endpoint', 'consumers', i], consumer);
  return findings.sort((a, b) => a.line - b.line || a.column - b.column);
}

/** Asks for the roster, as the agent will: the right to read it is the right to read items. */
async function checkEtcd(source: Extract<AgentConfiguration['source'], { type: 'etcd' }>, check: (path: JsonPath, severity: AgentFinding['severity'], work: () => Promise<void>) => Promise<void>): Promise<void> {
  let store: EtcdStore | undefined;
  await check(['source'], 'error', async () => { store = await openEtcdOf(source); });
  await check(['source'], 'warning', async () => {
    if (store === undefined || await store.readRoster(1) !== undefined) return;
    throw new VaultError('roster-missing', `There is no roster below ${source.prefix} in ${source.endpoints.join(', ')}.`, { hint: 'Compare "prefix" with that in the vault.json of the repository.', details: { prefix: source.prefix } });
  });
  store?.close();
}

async function requireFile(path: string, what: string, maxBytes: number): Promise<void> {
  if (await readRegularFile(path, { maxBytes, followLink: true }) === undefined) throw new VaultError('input-unreadable', `There is no ${what} at ${path}.`, { details: { path } });
}

async function requireDirectory(path: string): Promise<void> {
  if (await pathKind(path, true) !== 'directory') throw new VaultError('store-unreachable', `There is no directory ${path}.`, { hint: 'Make it, or mount it.', details: { path } });
}

/** One that is looked for in PATH is looked for when it is run. */
async function requireProgram(program: string | undefined): Promise<void> {
  if (program === undefined || !isAbsolute(program) || await pathKind(program, true) === 'file') return;
  throw new VaultError('command-failed', `There is no program ${program}.`, { hint: 'It is run without a shell: the first of the list is its path, the others are its arguments.', details: { program } });
}

function errnoOf({ cause }: VaultError): unknown {
  return cause instanceof Error && 'code' in cause ? cause.code : undefined;
}
