import type { VaultError } from '../errors.ts';
import type { ReportRefresherEvent } from './events.ts';

/** What keeps a refresher from its work, by where it was met; told when it begins, and when the last is over. */
export interface Problems {
  readonly first: VaultError | undefined;
  /** Undefined: all is well there. */
  at(place: string, problem: VaultError | undefined): void;
}

export function openProblems(report: ReportRefresherEvent): Problems {
  const problems = new Map<string, VaultError>();
  return {
    get first() { return [...problems.values()][0]; },
    at(place, problem) {
      const hadAny = problems.size > 0;
      if (problem === undefined) {
        problems.delete(place);
        if (hadAny && problems.size === 0) report({ type: 'store-recovered' });
        return;
      }
      const isKnown = [...problems.values()].some(({ code }) => code === problem.code);
      problems.set(place, problem);
      const isRoster = problem.code.startsWith('roster-') || problem.code === 'not-an-admin';
      if (!isKnown) report({ type: isRoster ? 'roster-failed' : 'store-failed', error: problem });
    },
  };
}
