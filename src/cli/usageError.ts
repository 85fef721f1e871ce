import { isVaultError, VaultError } from '../errors.ts';
import { nearest } from '../json/validate.ts';

/** What a command says of itself, as oclif keeps it. */
export interface CommandShape {
  /** As it is typed: `create iam`. */
  readonly name: string;
  readonly args: Readonly<Record<string, { readonly required?: boolean | undefined; readonly multiple?: boolean | undefined }>>;
  readonly flags: readonly string[];
}

/** An error of oclif's parser as one of ours; any other error as it is. */
export function asUsageError(error: Error, command: CommandShape): Error {
  if (!('oclif' in error) || isVaultError(error)) return error;
  const typed = ['vault', command.name].join(' ').trim();
  const help = `See "${typed} --help".`;
  const flags = textsOf('flags' in error ? error.flags : undefined);
  if (flags.length > 0) {
    const near = flags.length === 1 ? nearestFlag(flags[0] ?? '', command.flags.map((name) => `--${name}`)) : undefined;
    return new VaultError('usage', `There is no flag ${flags.join(', ')} for "${typed}".`, {
      hint: near === undefined ? help : `Did you mean ${near}?`, cause: error, details: { flags, ...(near === undefined ? {} : { suggestion: near }) },
    });
  }
  const args: unknown[] = 'args' in error && Array.isArray(error.args) ? error.args : [];
  const missing = args.flatMap((arg) => (typeof arg === 'object' && arg !== null && 'name' in arg ? [String(arg.name).toUpperCase()] : []));
  if (missing.length > 0) {
    return new VaultError('usage', `Missing: ${missing.join(', ')}.`, { hint: `Write: ${synopsisOf(command)}. ${help}`, cause: error, details: { missing } });
  }
  const unexpected = textsOf(args);
  if (unexpected.length > 0) {
    return new VaultError('usage', `Too many arguments: ${unexpected.map((arg) => JSON.stringify(arg.slice(0, 60))).join(', ')}.`, {
      hint: `${command.name === 'search' ? 'Put the query in quotes. ' : ''}Write: ${synopsisOf(command)}. ${help}`, cause: error,
    });
  }
  // eslint-disable-next-line no-control-regex -- oclif colours some of its messages
  const message = error.message.replace(/\u001b\[[0-9;]*m/g, '').replace(/\nSee more help with --help$/, '')
    .replace(/^The following errors? occurred:\n +/, '').replace(/^Parsing (--\S+) *\n\t/, '$1: ');
  return new VaultError('usage', message, { hint: help, cause: error });
}

/** The one that was begun, or else the one that was misspelt. */
function nearestFlag(typed: string, flags: readonly string[]): string | undefined {
  const begun = /^--./.test(typed) ? flags.filter((flag) => flag.startsWith(typed)) : [];
  return begun.length === 1 ? begun[0] : nearest(typed, flags);
}

function synopsisOf({ name, args }: CommandShape): string {
  const words = Object.entries(args).map(([arg, { required, multiple }]) => {
    const word = `${arg.toUpperCase()}${multiple === true ? '…' : ''}`;
    return required === true ? word : `[${word}]`;
  });
  return ['vault', name, ...words].join(' ');
}

function textsOf(value: unknown): string[] {
  return Array.isArray(value) ? value.filter((each) => typeof each === 'string') : [];
}
