import type { Hook, Interfaces } from '@oclif/core';
import { VaultError } from '../errors.ts';
import { nearest } from '../json/validate.ts';

/** oclif asks this when it finds no command: `vault help …` is help, anything else an error that names the nearest. */
const commandNotFound: Hook<'command_not_found'> = async ({ id, argv = [], config }) => {
  const words = id.split(':');
  if (words[0] !== 'help') throw notFound(words, config);
  const { default: VaultHelp } = await import('./help.ts');
  await new VaultHelp(config).showHelp([...words.slice(1), ...argv]);
};

export default commandNotFound;

/** What other tools call it. */
const SYNONYMS: Readonly<Record<string, string | undefined>> = { rm: 'remove', delete: 'remove', del: 'remove', ls: 'list', get: 'show', view: 'show', create: 'add', new: 'generate', gen: 'generate' };

function notFound(words: readonly string[], config: Interfaces.Config): VaultError {
  const [first = ''] = words;
  if (first.startsWith('-')) {
    return new VaultError('usage', `${first} is not a flag of vault itself.`, { hint: 'Flags stand behind the command: vault COMMAND [FLAGS]. See "vault --help".' });
  }
  const names = config.commandIDs.map((each) => each.replaceAll(':', ' '));
  const topics = new Set(names.filter((name) => name.includes(' ')).map((name) => name.split(' ')[0] ?? ''));
  const typed = words.slice(0, topics.has(first) ? 2 : 1).join(' ');
  // "creat iam FILE" is two words of a command, and "lst vault" one.
  const siblings = names.filter((name) => name.startsWith(`${first} `));
  const meant = siblings.length === 1 ? siblings[0] : siblings.find((name) => name === `${first} ${SYNONYMS[words[1] ?? ''] ?? ''}`);
  const near = meant ?? nearest(words.slice(0, 2).join(' '), names) ?? nearest(first, names) ?? nearest(first, topics);
  return new VaultError('usage', `There is no command "${typed.slice(0, 100)}".`, {
    hint: near !== undefined ? `Did you mean "vault ${near}"?` : siblings.length > 0 ? `There is: ${siblings.map((name) => `vault ${name}`).join(', ')}.` : 'See "vault --help".',
    details: near === undefined ? {} : { suggestion: near },
  });
}
