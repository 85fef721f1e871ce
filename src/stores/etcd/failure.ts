import { VaultError } from '../../errors.ts';

/** What went wrong with a call, as `details.reason` of a store-unreachable says it. */
export type Reason =
  // the connection
  | 'refused' | 'unreachable' | 'certificate' | 'timed-out' | 'no-leader'
  // who asks
  | 'token' | 'credentials' | 'user-missing' | 'authentication-off' | 'permission-denied'
  // what is asked
  | 'no-space' | 'too-large' | 'compacted' | 'failed';

/** One failed attempt. */
export interface Failure {
  readonly endpoint: string;
  readonly reason: Reason;
  /** What etcd, or gRPC, said. */
  readonly said: string;
}

/** gRPC's numbers (https://grpc.io/docs/guides/status-codes/). */
const DEADLINE_EXCEEDED = 4;
const PERMISSION_DENIED = 7;
const OUT_OF_RANGE = 11;
const UNAVAILABLE = 14;
const UNAUTHENTICATED = 16;

/** Texts of etcd's protocol (api/v3rpc/rpctypes): one number stands for several failures, which etcd's own clients tell apart by these too. */
const TEXTS: readonly (readonly [text: string, reason: Reason])[] = [
  ['invalid auth token', 'token'],
  ['revision of auth store is old', 'token'],
  ['authentication failed', 'credentials'],
  ['authentication is not enabled', 'authentication-off'],
  ['user name is empty', 'user-missing'],
  ['database space exceeded', 'no-space'],
  ['request is too large', 'too-large'],
  ['too many operations', 'too-large'],
  ['message larger than max', 'too-large'],
  ['no leader', 'no-leader'],
  ['leader changed', 'no-leader'],
  ['request timed out', 'no-leader'],
];

/** What Node's sockets and TLS said, within what gRPC says of a connection that failed. */
const CONNECTION: readonly (readonly [text: RegExp, reason: Reason])[] = [
  [/ECONNREFUSED|ENOENT/, 'refused'],
  [/certificate|altname|CERT_|wrong version number|packet length too long|SSL routines|PEM/i, 'certificate'],
];

/** What gRPC puts around the text of a socket or of TLS. */
const WRAPPED = /^No connection established\. Last error: (?:Error: )?(.+)\. Resolution note: .*$/s;

/** @param error as gRPC gives it: a number, and a text */
export function failureOf(endpoint: string, error: { readonly code?: number; readonly details?: string; readonly message: string }): Failure {
  const said = (error.details === undefined || error.details === '' ? error.message : error.details).replace(WRAPPED, '$1').slice(0, 500);
  const reason = TEXTS.find(([text]) => said.includes(text))?.[1] ?? reasonOf(error.code, said);
  return { endpoint, reason, said };
}

function reasonOf(code: number | undefined, said: string): Reason {
  switch (code) {
    case DEADLINE_EXCEEDED: return 'timed-out';
    case PERMISSION_DENIED: return 'permission-denied';
    case OUT_OF_RANGE: return 'compacted';
    case UNAUTHENTICATED: return 'token';
    case UNAVAILABLE: return CONNECTION.find(([text]) => text.test(said))?.[1] ?? 'unreachable';
    case undefined: return CONNECTION.find(([text]) => text.test(said))?.[1] ?? 'failed'; // TLS that could not even begin.
    default: return 'failed';
  }
}

/** Whether another endpoint, or the same one later, may do what this one did not. */
export function isPassing({ reason }: Failure): boolean {
  return ['refused', 'unreachable', 'certificate', 'timed-out', 'no-leader'].includes(reason);
}

const HINTS: Readonly<Record<Reason, string>> = {
  'refused': 'Nothing listens there: check that etcd runs, and that "endpoints" names its client URLs.',
  'unreachable': 'Check the network, and that "endpoints" names etcd\'s client URLs. An etcd that wants a client certificate closes the connection of whoever has none: see "tls".',
  'certificate': 'Check "tls": ca_file must have signed etcd\'s certificate, which must be for this host name; and an etcd without TLS is named with http://.',
  'timed-out': 'etcd did not answer in time: look at its load and its disk, "etcdctl endpoint status".',
  'no-leader': 'Fewer than half of etcd\'s members reach one another: see "etcdctl endpoint health --cluster". Nothing is lost; run the command again when they do.',
  'token': 'Run the command again. If it goes on, the clocks or the tokens of etcd\'s members differ.',
  'credentials': 'Check the user and the password in the credentials file, and "etcdctl user list".',
  'user-missing': 'This etcd wants to know who asks: name a credentials_file, or a client certificate.',
  'authentication-off': 'Run "etcdctl auth enable", as docs/etcd.md says; or leave credentials_file out.',
  'permission-denied': 'This etcd user has no right to that, or none below this prefix: compare "prefix", and see what each role needs in docs/etcd.md, "Who may do what".',
  'no-space': 'etcd is full, and takes no writes until it has space: compact, defragment, then "etcdctl alarm disarm", as docs/etcd.md says. What it has can be read.',
  'too-large': 'Raise etcd\'s --max-request-bytes and --max-txn-ops to their defaults (1572864, 128) or more.',
  'compacted': 'Run the command again.',
  'failed': 'Look at etcd\'s log.',
};

/** The error for a call that failed at each endpoint that was tried; the last failure says what to do. */
export function unreachable(prefix: string, failures: readonly Failure[]): VaultError {
  const last = failures[failures.length - 1] ?? { endpoint: '', reason: 'failed', said: 'no endpoint' };
  // An endpoint that was tried twice is named once, with what it said last; those that said the same, together.
  const each = new Map(failures.map(({ endpoint, said }) => [endpoint, said]));
  const texts = [...new Set(each.values())].map((text) => `${[...each].filter(([, said]) => said === text).map(([endpoint]) => endpoint).join(', ')}: ${text}`);
  return new VaultError('store-unreachable', `etcd cannot be used (${prefix}): ${texts.join('; ')}.`, {
    hint: HINTS[last.reason], details: { reason: last.reason, endpoint: last.endpoint, prefix, endpoints: [...each.keys()] },
  });
}

/** Whether an error is a call's that failed for that reason. */
export function failedFor(error: unknown, reason: Reason): boolean {
  return error instanceof VaultError && error.code === 'store-unreachable' && error.details['reason'] === reason;
}
