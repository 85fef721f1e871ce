import { isVaultError, VaultError } from '../errors.ts';
import type { Identity } from '../sealing/identity.ts';
import { wantedItems, type AgentConfiguration } from './configuration/configuration.ts';
import type { Component } from './component.ts';
import type { ReportEvent } from './events.ts';
import { openFollower, type Follower } from './following/follower.ts';
import type { ItemContent } from './following/itemFollower.ts';
import type { Memory } from './following/memory.ts';
import type { Source } from './source.ts';

/** A configuration, and what it names, opened. */
export interface AgentSettings {
  readonly configuration: AgentConfiguration;
  readonly identity: Identity;
  readonly source: Source;
  readonly memory: Memory;
}

export interface AgentOptions {
  /** Reads the configuration and opens what it names; called at the start and by {@link Agent.reload}. */
  readonly load: () => Promise<AgentSettings>;
  readonly components: readonly Component[];
  readonly report: ReportEvent;
  readonly now: () => Date;
}

export interface Agent {
  readonly follower: Follower;
  readonly configuration: AgentConfiguration;
  readonly memory: Memory;
  /** Reads the configuration again. Where that fails everything stays as it was, and the failure is reported. */
  reload(): Promise<void>;
  stop(): Promise<void>;
}

/**
 * Starts: first with what was verified before, then from the source.
 * @throws VaultError what {@link AgentOptions.load} and the components throw
 */
export async function startAgent({ load, components, report, now }: AgentOptions): Promise<Agent> {
  let settings = await load();
  let follower: Follower | undefined;

  /** Puts a follower for `next` in the place of the one that is there. */
  const adopt = async (next: AgentSettings, previous: Follower | undefined): Promise<Follower> => {
    const { configuration, source, identity, memory } = next;
    const begun = openFollower({ roster: configuration.roster, source, identity, memory, refs: wantedItems(configuration), report, now, previous }, (contents) => {
      if (follower === begun) announce(contents);
    });
    await begun.recall();
    for (const component of components) await component.apply(configuration, begun);
    return begun;
  };
  const announce = (contents: readonly ItemContent[]): void => {
    for (const component of components) component.changed(contents);
  };

  try {
    follower = await adopt(settings, undefined);
  } catch (error) {
    await Promise.all(components.map((component) => component.stop()));
    throw error;
  }
  follower.start();

  let queue: Promise<void> = Promise.resolve();
  const reload = async (): Promise<void> => {
    const [before, old] = [follower, settings];
    try {
      const next = await load();
      const isSameReader = next.configuration.roster === old.configuration.roster && next.identity.publicKey.fingerprint === old.identity.publicKey.fingerprint;
      const begun = await adopt(next, isSameReader ? before : undefined);
      follower = begun;
      settings = next;
      begun.start();
      await before?.stop();
      old.identity.wipe();
      report({ type: 'reloaded', items: begun.states.length, deliveries: next.configuration.deliveries.length });
    } catch (error) {
      const problem = isVaultError(error) ? error : new VaultError('internal', String(error), { cause: error });
      report({ type: 'reload-failed', error: problem });
      // A component may have taken on the new one before another failed.
      if (before !== undefined) for (const component of components) await component.apply(old.configuration, before).catch(() => undefined);
    }
  };

  return {
    get follower() { return follower as Follower; },
    get configuration() { return settings.configuration; },
    get memory() { return settings.memory; },
    reload() {
      queue = queue.then(reload);
      return queue;
    },
    async stop() {
      await queue;
      await follower?.stop();
      await Promise.all(components.map((component) => component.stop()));
      settings.identity.wipe();
    },
  };
}
