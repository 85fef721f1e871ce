import type { InstallGitResult } from '../operations/git/installGit.ts';
import { escapeForTerminal } from './escape.ts';
import type { Colors } from './output.ts';

/** The result of `vault git install`, as JSON. */
export function installJson({ top, attributes, config, hooks }: InstallGitResult): object {
  return { top, attributes, config, hooks };
}

/** The result of `vault git install`, as text. */
export function renderInstall({ attributes, config, hooks }: InstallGitResult, colors: Colors): string {
  const word = (state: string): string => (state === 'present' ? 'as it was' : colors.green(state));
  return [
    `.gitattributes     ${word(attributes)}`,
    `git configuration  ${word(config)}`,
    ...hooks.map(({ name, path, state }) => `${name.padEnd(17)}  ${state === 'foreign' ? colors.yellow('left alone') : word(state)}  ${escapeForTerminal(path)}`),
  ].join('\n');
}

/** What to do with hooks that are somebody else's; undefined where there are none. */
export function foreignHookNotice({ hooks, check }: InstallGitResult): string | undefined {
  const foreign = hooks.filter(({ state }) => state === 'foreign');
  if (foreign.length === 0) return undefined;
  return `${foreign.map(({ path }) => path).join(' and ')} ${foreign.length === 1 ? 'is' : 'are'} not this program's, or shared with other repositories, and stayed as ${foreign.length === 1 ? 'it is' : 'they are'}. To check items before a commit, add this line there:\n  ${check}`;
}
