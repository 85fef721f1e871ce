import { quoteWords } from './shell.ts';

/** Hooks that run before a commit: an ordinary one, and one that a merge makes. */
export const HOOKS = ['pre-commit', 'pre-merge-commit'] as const;

const MARK = '# iam-vault: checks every signature before a commit. Made by "vault git install".';

/** The line of a hook that checks one repository; git runs it in the work tree's top directory. */
export function checkLine(program: readonly string[], prefix: string): string {
  return `${quoteWords([...program, 'verify', '--staged', '--quiet', ...(prefix === '' ? [] : ['--repository', prefix.replace(/\/$/, '')])])} || exit 1`;
}

/**
 * The hook's new text: of its own, or with one more repository to check.
 * @returns undefined where it is somebody else's, and does not call the check
 */
export function hookWith(present: string | undefined, line: string): string | undefined {
  if (present === undefined) return `#!/bin/sh\n${MARK}\n${line}\n`;
  if (present.split('\n').includes(line)) return present;
  return present.includes(MARK) ? `${present.endsWith('\n') ? present : `${present}\n`}${line}\n` : undefined;
}
