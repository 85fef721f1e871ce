import type { Component } from '../component.ts';
import { refText, wantedItems, type AgentConfiguration } from '../configuration/configuration.ts';
import type { Follower } from '../following/follower.ts';

/** Whether all that the configuration asks for was handed on. */
export interface Readiness extends Component {
  readonly isReady: boolean;
  /** Looks again: something was done. */
  look(): void;
}

/**
 * Stands behind all other components, so that what it is told was told to them. Calls `ready` once: when each item has had a content, and they have handed
 * on what they were given, without a problem.
 */
export function openReadiness(others: readonly Component[], ready: () => void): Readiness {
  let wanted: ReadonlySet<string> = new Set();
  let handed = new Set<string>();
  let isReady = false;
  let isApplied = false;

  const look = (): void => {
    if (isReady || !isApplied || ![...wanted].every((name) => handed.has(name))) return;
    void Promise.all(others.map(async (other) => { await other.settled?.(); })).then(() => {
      if (isReady || others.some((other) => other.problems().length > 0)) return;
      isReady = true;
      ready();
    });
  };

  return {
    get isReady() { return isReady; },
    look,
    apply(configuration: AgentConfiguration, follower: Follower) {
      wanted = new Set(wantedItems(configuration).map(refText));
      handed = new Set(follower.states.flatMap(({ ref, content }) => (content === undefined ? [] : [refText(ref)])));
      isApplied = true;
      look();
      return Promise.resolve();
    },
    changed(contents) {
      for (const content of contents) handed.add(refText(content));
      look();
    },
    problems: () => [],
    stop: () => Promise.resolve(),
  };
}
