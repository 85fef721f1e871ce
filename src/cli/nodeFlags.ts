import * as Flags from '@oclif/core/flags';
import { VaultError } from '../errors.ts';
import type { Json } from '../json/canonical.ts';
import { parseJson } from '../json/parse.ts';

/** What a node is, for commands that say so. */
export const nodeFlags = {
  'role': Flags.string({ multiple: true, multipleNonGreedy: true, helpValue: 'ROLE', description: 'role in its run list; may be repeated' }),
  'run-list': Flags.string({ helpValue: 'LIST', description: 'run list, as "role[web],recipe[nginx]"; goes before --role' }),
  'environment': Flags.string({ char: 'E', helpValue: 'NAME', description: 'Chef environment [default: _default]' }),
  'tag': Flags.string({ multiple: true, multipleNonGreedy: true, helpValue: 'TAG', description: 'tag; may be repeated' }),
  'attributes': Flags.string({ helpValue: 'JSON', description: 'further normal attributes, as a JSON object' }),
};

interface NodeFlagValues {
  readonly 'role': readonly string[] | undefined;
  readonly 'run-list': string | undefined;
  readonly 'environment': string | undefined;
  readonly 'tag': readonly string[] | undefined;
  readonly 'attributes': string | undefined;
}

/** What was said; undefined for what was not. @throws VaultError input-* */
export function nodeMembers(flags: NodeFlagValues): {
  readonly environment: string | undefined; readonly runList: readonly string[] | undefined; readonly tags: readonly string[] | undefined; readonly attributes: Record<string, Json> | undefined;
} {
  return {
    environment: flags.environment,
    runList: flags['run-list'] === undefined && flags.role === undefined ? undefined
      : [...(flags['run-list'] ?? '').split(',').map((entry) => entry.trim()).filter((entry) => entry !== ''), ...(flags.role ?? []).map((role) => `role[${role}]`)],
    tags: flags.tag,
    attributes: readAttributes(flags.attributes),
  };
}

function readAttributes(text: string | undefined): Record<string, Json> | undefined {
  if (text === undefined) return undefined;
  const { value } = parseJson(text, '--attributes');
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new VaultError('input-invalid', '--attributes must be a JSON object.', { hint: 'For example: \'{"team":"payments"}\'.' });
  }
  return value as Record<string, Json>;
}
