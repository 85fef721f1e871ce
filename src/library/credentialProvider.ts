import { isVaultError } from '../errors.ts';
import type { AccessKeyCredentials } from '../items/accessKey.ts';
import { openVaultWith, type Vault, type VaultOptions } from './vault.ts';

export interface FromVaultOptions extends VaultOptions {
  readonly vault: string;
  readonly item: string;
  /** A client reads the item again about five minutes before so many seconds are over: a key that was rotated has spread by then. Default 1500. */
  readonly lifetimeSeconds?: number;
}

/** What the SDK for JavaScript calls an AwsCredentialIdentity, always with an expiration. */
export interface ExpiringCredentials extends AccessKeyCredentials {
  readonly expiration: Date;
}

const LIFETIME_SECONDS = 25 * 60;

/** Of what was read before, where it cannot be read now: clients of the SDK ask again when less than five minutes are left. */
const RETRY_SECONDS = 6 * 60;

/** See `fromVault` in aws.ts. */
export function openProvider(options: FromVaultOptions, now: () => number = Date.now): () => Promise<ExpiringCredentials> {
  const { vault: name, item, lifetimeSeconds = LIFETIME_SECONDS } = options;
  const notice = options.onNotice ?? ((text: string): void => { process.emitWarning(text, 'IamVaultWarning'); });
  let opened: Promise<Vault> | undefined;
  let last: AccessKeyCredentials | undefined;
  let pending: Promise<ExpiringCredentials> | undefined;

  const expiring = (credentials: AccessKeyCredentials, seconds: number): ExpiringCredentials => ({ ...credentials, expiration: new Date(now() + seconds * 1000) });

  const read = async (): Promise<ExpiringCredentials> => {
    try {
      opened ??= openVaultWith(options);
      last = await (await opened).item(name, item).credentials();
      return expiring(last, lifetimeSeconds);
    } catch (error) {
      opened = undefined;
      if (last === undefined || !isVaultError(error)) throw error;
      notice(`${name}/${item} cannot be read, so its last good key is used on (${error.code}): ${error.message}`);
      return expiring(last, Math.min(lifetimeSeconds, RETRY_SECONDS));
    }
  };
  return () => {
    pending ??= read().finally(() => { pending = undefined; });
    return pending;
  };
}
