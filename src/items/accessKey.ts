import { VaultError } from '../errors.ts';
import type { Json } from '../json/canonical.ts';

/** Field of an item made from an IAM file that holds its access key. */
export const ACCESS_KEY_FIELD = 'data';

/** An IAM user's access key, as the AWS SDKs take it. */
export interface AccessKeyCredentials {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
}

/**
 * The access key that the field {@link ACCESS_KEY_FIELD} holds.
 * @param where the item, for the message
 * @throws VaultError field-format; the message never holds the value
 */
export function accessKeyIn(data: Json | undefined, where: string): AccessKeyCredentials {
  if (data !== null && typeof data === 'object' && 'aws_access_key_id' in data && 'aws_secret_access_key' in data) {
    const { aws_access_key_id: accessKeyId, aws_secret_access_key: secretAccessKey } = data;
    if (isWord(accessKeyId) && isWord(secretAccessKey)) return { accessKeyId, secretAccessKey };
  }
  throw new VaultError('field-format', `The field ${ACCESS_KEY_FIELD} of ${where} does not hold an access key.`, {
    hint: 'It needs the members aws_access_key_id and aws_secret_access_key, as "vault create iam" makes them.',
  });
}

/** Not empty, and fit for a header. */
function isWord(value: Json | undefined): value is string {
  return typeof value === 'string' && /^[\x21-\x7e]{1,512}$/.test(value);
}
