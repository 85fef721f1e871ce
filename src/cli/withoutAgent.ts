import { refText, wantedItems } from '../agent/configuration/configuration.ts';
import { DEFAULT_LIFETIME_MS } from '../agent/configuration/duration.ts';
import { contentOf, keyOf } from '../agent/credentials/holder.ts';
import { expirationText } from '../agent/credentials/issued.ts';
import { openFollower } from '../agent/following/follower.ts';
import { readAgentFile } from '../config/agentFile.ts';
import { openAgentSettings } from '../config/agentSettings.ts';
import type { Environment } from '../config/environment.ts';
import { VaultError } from '../errors.ts';
import { ACCESS_KEY_FIELD, accessKeyIn, type AccessKeyCredentials } from '../items/accessKey.ts';
import type { Workspace } from '../operations/workspace.ts';
import type { ItemRef } from '../sealing/dataKey.ts';
import { openStateDirectory } from '../state/stateDirectory.ts';
import type { ProcessCredentials } from './askForCredentials.ts';
import { openForReading } from './openForReading.ts';

/** A source that takes longer is not waited for where there is a content already. */
const LONGEST_LOOK_MS = 5000;

/**
 * Opens an item as the agent of that configuration would: by its identity and pinned roster, from its source, or from what it last verified.
 * @throws VaultError agent-unreachable for an item whose key only a running agent may have; item-not-found, and the item's own problem
 */
export async function openWithoutAgent(environment: Environment, file: string, ref: ItemRef): Promise<ProcessCredentials> {
  const configuration = await readAgentFile(file, environment.uid);
  const name = refText(ref);
  if (!wantedItems(configuration).some((each) => refText(each) === name)) {
    throw new VaultError('item-not-found', `The agent's configuration ${file} does not name ${name}.`, { hint: 'Add it, in "items" or "credentials".', details: { ...ref } });
  }
  const entry = configuration.credentials.find(({ item }) => refText(item) === name);
  if (entry?.mode === 'session') {
    throw new VaultError('agent-unreachable', `No agent runs, and the key of ${name} must not leave it: its "credentials" say "mode": "session".`, { hint: 'Start it: "vault agent run".' });
  }
  const { source, identity, memory } = await openAgentSettings(configuration, () => undefined, openStateDirectory);
  const follower = openFollower({ roster: configuration.roster, source, identity, memory, refs: [ref], report: () => undefined, now: () => new Date() }, () => undefined);
  try {
    await follower.recall();
    const look = follower.refresh();
    await (follower.state(ref)?.content === undefined ? look : Promise.race([look, patience()]));
    if (follower.state(ref)?.content === undefined && follower.sourceProblem !== undefined) throw follower.sourceProblem;
    return processCredentials(keyOf(contentOf(ref, follower)), entry?.lifetime);
  } finally {
    await follower.stop();
    identity.wipe();
  }
}

/** Opens an item as `vault decrypt` does. */
export async function openHere(environment: Environment, workspace: Workspace, ref: ItemRef, identity: string | undefined): Promise<ProcessCredentials> {
  const item = await openForReading(environment, workspace, ref.vault, ref.item, identity);
  try {
    return processCredentials(accessKeyIn(item.field(ACCESS_KEY_FIELD), refText(ref)));
  } finally {
    item.wipe();
  }
}

function processCredentials({ accessKeyId, secretAccessKey }: AccessKeyCredentials, lifetimeMs: number = DEFAULT_LIFETIME_MS): ProcessCredentials {
  return { Version: 1, AccessKeyId: accessKeyId, SecretAccessKey: secretAccessKey, Expiration: expirationText(Date.now() + lifetimeMs) };
}

function patience(): Promise<void> {
  return new Promise((resolve) => { setTimeout(resolve, LONGEST_LOOK_MS).unref(); });
}
