import { join } from 'node:path';
import { locationOf, type AgentConfiguration } from '../agent/configuration/configuration.ts';
import type { AgentSettings } from '../agent/agent.ts';
import type { ReportEvent } from '../agent/events.ts';
import { VaultError } from '../errors.ts';
import { readRegularFile } from '../files/read.ts';
import { openMemory } from '../agent/following/memory.ts';
import type { Source } from '../agent/source.ts';
import type { EtcdStore } from '../stores/etcd/etcdStore.ts';
import type { StateDirectory } from '../state/stateDirectory.ts';
import { loadIdentity } from './identities.ts';

/**
 * Opens what a configuration names: identity, source, and what was remembered.
 * @param now what is in effect: the memory of the same roster is gone on with, for what could not be written is in it alone
 * @throws VaultError identity-*, input-*, state-unwritable
 */
export async function openAgentSettings(
  configuration: AgentConfiguration, report: ReportEvent, openState: (path: string) => StateDirectory, now?: AgentSettings,
): Promise<AgentSettings> {
  const { roster, state_directory: state, runtime_directory: runtime } = configuration;
  const identity = await loadIdentity(configuration.identity);
  const memory = now?.configuration.roster === roster ? now.memory : openMemory({ roster, report, state: openState(state), witness: openState(join(runtime, 'witness')) });
  return { configuration, identity, memory, source: await openSource(configuration.source, identity.publicKey.fingerprint, report) };
}

/** @param reader fingerprint of the key whose entries are read */
async function openSource(configuration: AgentConfiguration['source'], reader: string, report: ReportEvent): Promise<Source> {
  switch (configuration.type) {
    case 'folder': {
      const { openFileStore } = await import('../stores/file/fileStore.ts');
      const { layoutOf } = await import('../stores/file/layout.ts');
      const { folderSource } = await import('../agent/sources/folder.ts');
      return folderSource({ store: openFileStore(configuration.path), layout: layoutOf(configuration.path), pollMs: configuration.poll, report });
    }
    case 'https': {
      const { httpsSource } = await import('../agent/sources/https.ts');
      return httpsSource(configuration, await authorities(configuration.ca_file));
    }
    case 'etcd': {
      const { etcdSource } = await import('../agent/sources/etcd.ts');
      return etcdSource({ store: await openEtcdOf(configuration), reader, pollMs: configuration.poll });
    }
  }
}

/** The etcd that a source names; it is not connected to yet. @throws VaultError input-*, identity-too-open, repository-foreign */
export async function openEtcdOf(configuration: Extract<AgentConfiguration['source'], { type: 'etcd' }>): Promise<EtcdStore> {
  const { openEtcdStore } = await import('../stores/etcd/etcdStore.ts');
  const { readEtcdSettings } = await import('./etcdSettings.ts');
  return openEtcdStore(locationOf(configuration), await readEtcdSettings({ uid: process.geteuid?.(), home: '' }, '/', configuration, '"source" in the agent\'s configuration'));
}

const MAX_AUTHORITIES = 4 << 20;

/** Certificates of the authorities that alone are trusted. @throws VaultError input-unreadable, input-too-large */
async function authorities(path: string | undefined): Promise<Uint8Array | undefined> {
  if (path === undefined) return undefined;
  const file = await readRegularFile(path, { maxBytes: MAX_AUTHORITIES, followLink: true });
  if (file === undefined) throw new VaultError('input-unreadable', `There is no file ${path}, which "ca_file" names.`, { details: { source: path } });
  return file.bytes;
}
