import type { VaultError } from '../errors.ts';
import type { ItemRef } from '../sealing/dataKey.ts';
import type { AgentConfiguration } from './configuration/configuration.ts';
import type { Follower } from './following/follower.ts';
import type { ItemContent } from './following/itemFollower.ts';

/** A part of the running agent: it takes what was verified and hands it on in its own way. */
export interface Component {
  /**
   * Takes on a configuration, at the start and when it is read again. What is the same in both goes on without a gap. Where it fails, what was before goes on.
   * @throws VaultError usage, store-unreachable, input-*
   */
  apply(configuration: AgentConfiguration, follower: Follower): Promise<void>;
  /** Items that have a new content, in one batch. Never throws; what fails is reported, and tried again by the component itself. */
  changed(contents: readonly ItemContent[]): void;
  /** Resolves when what it was told so far is done, or failed; one that does all at once leaves it out. */
  settled?(): Promise<void>;
  /** What is wrong now, for those who ask how the agent is; empty where nothing is. */
  problems(): readonly ComponentProblem[];
  /** Credentials with an end that it has now, where it has any. */
  credentials?(): readonly ComponentCredentials[];
  /** Waits for what is under way. */
  stop(): Promise<void>;
}

export interface ComponentProblem {
  /** What it is about: a path, or a name in the configuration. */
  readonly subject: string;
  readonly code: string;
  readonly message: string;
}

export interface ComponentCredentials {
  readonly ref: ItemRef;
  readonly mode: 'key' | 'session';
  /** When they end; undefined where there are none yet. */
  readonly expiration: Date | undefined;
  /** Why there are no newer ones. */
  readonly problem?: VaultError | undefined;
}
