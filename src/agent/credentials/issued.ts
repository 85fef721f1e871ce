import type { ItemVersion } from '../events.ts';

/** An access key, or what a session has. */
export interface AwsCredentials {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  /** Of a session. */
  readonly sessionToken?: string;
}

/** What is handed out, written down but for its end, which is another each time. Holds secrets. */
export interface Prepared extends ItemVersion {
  readonly mode: 'key' | 'session';
  readonly accessKeyId: string;
  readonly container: string;
  readonly process: string;
}

/** What is handed out now. */
export interface Issued {
  readonly prepared: Prepared;
  /** RFC 3339, in UTC, to the second. */
  readonly expiration: string;
}

export function prepare({ vault, item, generation }: ItemVersion, mode: Prepared['mode'], { accessKeyId, secretAccessKey, sessionToken }: AwsCredentials): Prepared {
  const key = { AccessKeyId: accessKeyId, SecretAccessKey: secretAccessKey };
  return {
    vault, item, generation, mode, accessKeyId,
    // The SDKs for Python and JavaScript want a Token also where there is none.
    container: opening({ ...key, Token: sessionToken ?? '' }),
    process: opening({ Version: 1, ...key, ...(sessionToken === undefined ? {} : { SessionToken: sessionToken }) }),
  };
}

function opening(members: Readonly<Record<string, string | number>>): string {
  return `${JSON.stringify(members).slice(0, -1)},"Expiration":"`;
}

/** A body of AWS's container credentials. @see https://docs.aws.amazon.com/sdkref/latest/guide/feature-container-credentials.html */
export function containerText({ prepared, expiration }: Issued): string {
  return `${prepared.container}${expiration}"}\n`;
}

/** What a credential_process prints. @see https://docs.aws.amazon.com/sdkref/latest/guide/feature-process-credentials.html */
export function processText({ prepared, expiration }: Issued): string {
  return `${prepared.process}${expiration}"}\n`;
}

/** @param time milliseconds since 1970 */
export function expirationText(time: number): string {
  return `${new Date(time).toISOString().slice(0, 19)}Z`;
}
