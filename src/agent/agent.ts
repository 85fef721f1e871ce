import { setTimeout as delay } from 'node:timers/promises';
import type { VaultError } from '../errors.ts';
import type { Identity } from '../sealing/identity.ts';
import type { Component } from './component.ts';
import { refText, wantedItems, type AgentConfiguration } from './configuration/configuration.ts';
import type { ReportEvent } from './events.ts';
import { openFollower, type Follower, type FollowerOptions } from './following/follower.ts';
import type { ItemState } from './following/itemFollower.ts';
import type { Memory } from './following/memory.ts';
import type { TrustedNow } from './following/rosterFollower.ts';
import type { Source } from './source.ts';
import { knownError } from './unexpected.ts';

/** A configuration, and what it names, opened. */
export interface AgentSettings {
  readonly configuration: AgentConfiguration;
  readonly identity: Identity;
  readonly source: Source;
  readonly memory: Memory;
}

export interface AgentOptions {
  /**
   * Reads the configuration and opens what it names; called at the start and by {@link Agent.reload}.
   * @param now what is in effect; undefined at the start
   */
  readonly load: (now: AgentSettings | undefined) => Promise<AgentSettings>;
  readonly components: readonly Component[];
  readonly report: ReportEvent;
  readonly now: () => Date;
}

export interface Agent {
  readonly follower: Follower;
  /** What is in effect. */
  readonly configuration: AgentConfiguration;
  readonly memory: Memory;
  /** When {@link configuration} was read. */
  readonly configuredAt: Date;
  /** Why what was read since is not in effect. */
  readonly configurationProblem: VaultError | undefined;
  /** Every item has a content, and no component has a problem. */
  readonly isReady: boolean;
  /**
   * Reads the configuration again, after a reading that is under way; several calls meanwhile are one. Where that fails everything stays as it was, and the
   * failure is reported.
   */
  reload(): Promise<void>;
  stop(): Promise<void>;
}

/** How long a source that does not let go is waited for, in milliseconds, before it is asked anew beside that. */
const LONGEST_GOODBYE_MS = 5000;

/**
 * Starts: first with what was verified before, then from the source.
 * @throws VaultError what {@link AgentOptions.load} and the components throw
 */
export async function startAgent({ load, components, report, now }: AgentOptions): Promise<Agent> {
  let settings = await load(undefined);
  let configuredAt = now();
  let configurationProblem: VaultError | undefined;
  let isStopping = false;
  let follower: Follower;
  /** The one whose news count: none while the components take on another configuration, which may be of another roster. */
  let heard: Follower | undefined;

  /**
   * Makes a follower the one that counts. Components see it when everything that is known is in its states.
   * @param previous what another follower knew
   * @param failed told of a component that fails, where that is no reason to stop
   */
  const adopt = async ({ configuration, source, identity, memory }: AgentSettings, previous?: FollowerOptions['previous'], failed?: (error: unknown) => void): Promise<Follower> => {
    const next = openFollower({ roster: configuration.roster, source, identity, memory, refs: wantedItems(configuration), report, now, previous }, (contents) => {
      if (heard === next) for (const component of components) component.changed(contents);
    });
    await next.recall();
    for (const component of components) {
      if (failed === undefined) await component.apply(configuration, next);
      else await component.apply(configuration, next).catch(failed);
    }
    return next;
  };

  const refuse = (error: unknown): void => {
    configurationProblem = knownError(error);
    report({ type: 'reload-failed', error: configurationProblem });
  };

  const readAgain = async (): Promise<void> => {
    if (isStopping) return;
    const old = settings;
    let next: AgentSettings;
    try {
      next = await load(old);
    } catch (error) {
      refuse(error);
      return;
    }
    heard = undefined;
    const known = await leave(follower);
    try {
      follower = await adopt(next, inherited(known, old, next));
      [settings, configuredAt, configurationProblem] = [next, now(), undefined];
      old.identity.wipe();
      report({ type: 'reloaded', items: follower.states.length, deliveries: next.configuration.deliveries.length });
    } catch (error) {
      refuse(error);
      // Some components have taken on the new one.
      follower = await adopt(old, inherited(known, old, old), refuse);
      next.identity.wipe();
    }
    known.states.clear(); // The new follower has what it needs, and would keep the rest in memory.
    heard = follower;
    follower.start();
  };

  try {
    follower = await adopt(settings);
  } catch (error) {
    await stopAll(components);
    settings.identity.wipe();
    throw error;
  }
  heard = follower;
  follower.start();

  let running: Promise<void> = Promise.resolve();
  let queued: Promise<void> | undefined;
  return {
    get follower() { return follower; },
    get configuration() { return settings.configuration; },
    get memory() { return settings.memory; },
    get configuredAt() { return configuredAt; },
    get configurationProblem() { return configurationProblem; },
    get isReady() {
      return components.every((component) => component.problems().length === 0) && follower.states.every(({ content }) => content !== undefined);
    },
    reload() {
      queued ??= running.then(() => {
        queued = undefined;
        return readAgain();
      });
      running = queued;
      return queued;
    },
    async stop() {
      isStopping = true;
      await running;
      await follower.stop();
      await stopAll(components);
      settings.identity.wipe();
    },
  };
}

/** What a follower knew: its states by `vault/item`. */
interface Known {
  readonly states: Map<string, ItemState>;
  readonly trusted: TrustedNow | undefined;
}

/** Ends a follower, so that there is one at a time. */
async function leave(follower: Follower): Promise<Known> {
  await Promise.race([follower.stop(), delay(LONGEST_GOODBYE_MS, undefined, { ref: false })]);
  return { states: new Map(follower.states.map((state) => [refText(state.ref), state])), trusted: follower.trusted };
}

/** Of what one follower knew, what another may begin with: nothing under another roster. */
function inherited({ states, trusted }: Known, old: AgentSettings, next: AgentSettings): FollowerOptions['previous'] {
  if (next.configuration.roster !== old.configuration.roster) return undefined;
  const isSameReader = next.identity.publicKey.fingerprint === old.identity.publicKey.fingerprint;
  return {
    trusted,
    state(ref) {
      const state = states.get(refText(ref));
      // Of another identity it is not known yet whether it opens the item: without its signature the content stays, and what is read next is opened.
      return state?.content === undefined || isSameReader ? state : { ...state, content: { ...state.content, signature: '' } };
    },
  };
}

async function stopAll(components: readonly Component[]): Promise<void> {
  await Promise.allSettled(components.map((component) => component.stop()));
}
