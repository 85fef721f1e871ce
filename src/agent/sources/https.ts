import { VaultError } from '../../errors.ts';
import type { SourceConfiguration } from '../configuration/schema.ts';
import type { Source } from '../source.ts';

export function httpsSource({ url }: Extract<SourceConfiguration, { type: 'https' }>): Source {
  throw new VaultError('usage', `${url} cannot be followed.`);
}
