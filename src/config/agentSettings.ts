import { join } from 'node:path';
import type { AgentConfiguration } from '../agent/configuration/configuration.ts';
import type { AgentSettings } from '../agent/agent.ts';
import type { ReportEvent } from '../agent/events.ts';
import { openMemory } from '../agent/following/memory.ts';
import type { Source } from '../agent/source.ts';
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
  const { openFileStore } = await import('../stores/file/fileStore.ts');
  const memory = now?.configuration.roster === roster ? now.memory : openMemory({
    roster, report, state: openState(state), witness: openState(join(runtime, 'witness')), cache: openFileStore(join(state, 'cache')),
  });
  return { configuration, identity, memory, source: await openSource(configuration.source) };
}

async function openSource(configuration: AgentConfiguration['source']): Promise<Source> {
  switch (configuration.type) {
    case 'folder': {
      const { openFileStore } = await import('../stores/file/fileStore.ts');
      const { folderSource } = await import('../agent/sources/folder.ts');
      return folderSource(openFileStore(configuration.path), configuration.poll);
    }
    case 'https': {
      const { httpsSource } = await import('../agent/sources/https.ts');
      return httpsSource(configuration);
    }
  }
}
