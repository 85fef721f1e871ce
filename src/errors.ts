/** Every way in which an operation can fail, one literal per failure. Callers switch on `code`, never on text. */
export type ErrorCode =
  // the program itself
  | 'internal'
  | 'usage'
  | 'interrupted'
  | 'confirmation-needed'
  | 'editor-missing'
  | 'plaintext-on-disk'
  | 'git-failed'
  | 'agent-running'
  | 'agent-unreachable'
  | 'command-failed'
  | 'delivery-failed'
  // what a person wrote
  | 'input-unreadable'
  | 'input-too-large'
  | 'input-too-deep'
  | 'input-not-json'
  | 'input-duplicate-key'
  | 'input-invalid'
  | 'template-invalid'
  | 'name-invalid'
  | 'query-invalid'
  | 'query-selects-nobody'
  | 'policy-lint'
  | 'policy-test-failed'
  | 'key-invalid'
  | 'node-unsealable'
  | 'recipient-unknown'
  | 'recipient-selected'
  | 'roster-unreachable'
  | 'profile-not-found'
  | 'profile-invalid'
  | 'field-not-found'
  | 'field-format'
  | 'file-names-collide'
  | 'file-exists'
  // who may open, and with what
  | 'identity-missing'
  | 'identity-too-open'
  | 'identity-invalid'
  | 'identity-locked'
  | 'identity-exists'
  | 'not-an-admin'
  | 'token-invalid'
  | 'join-refused'
  | 'not-a-recipient'
  | 'recipient-key-changed'
  | 'sealed-key-unopenable'
  | 'sealed-key-context'
  | 'commitment-mismatch'
  | 'field-unopenable'
  // trust
  | 'document-invalid'
  | 'document-not-canonical'
  | 'format-unsupported'
  | 'roster-missing'
  | 'roster-broken'
  | 'roster-pin-mismatch'
  | 'roster-rollback'
  | 'roster-fork'
  | 'roster-untrusted'
  | 'repository-foreign'
  | 'repository-mismatch'
  | 'signer-unknown'
  | 'signature-invalid'
  | 'item-digest-mismatch'
  | 'audience-mismatch'
  | 'recipients-digest-mismatch'
  | 'generation-rollback'
  | 'key-changed'
  | 'plaintext-found'
  // AWS
  | 'aws-refused'
  | 'aws-throttled'
  | 'aws-unreachable'
  | 'aws-credentials'
  | 'iam-user-not-ours'
  | 'iam-group-not-ours'
  | 'iam-key-limit'
  | 'iam-key-ambiguous'
  | 'iam-key-not-working'
  // the store
  | 'repository-missing'
  | 'repository-exists'
  | 'item-not-found'
  | 'item-missing'
  | 'item-exists'
  | 'item-is-audience'
  | 'item-plain'
  | 'item-other-format'
  | 'proposal-not-found'
  | 'invitation-not-found'
  | 'request-not-found'
  | 'merge-conflict'
  | 'party-not-found'
  | 'party-exists'
  | 'store-conflict'
  | 'store-unreachable'
  | 'store-unsupported'
  | 'wait-timed-out'
  | 'state-unwritable';

/** Facts about a failure that a script may read. Never a secret. */
export type ErrorDetails = Readonly<Record<string, unknown>>;

export interface ErrorOptions {
  /** What to do next: one sentence, naming the command where there is one. */
  readonly hint?: string | undefined;
  readonly details?: ErrorDetails | undefined;
  readonly cause?: unknown;
}

/**
 * The one error class of iam-vault. The message says what was found and where; the hint says what to do next.
 * Text, colour and exit code are chosen at the edge (reporting/), not here.
 */
export class VaultError extends Error {
  override readonly name = 'VaultError';
  readonly code: ErrorCode;
  readonly hint: string | undefined;
  readonly details: ErrorDetails;

  constructor(code: ErrorCode, message: string, options: ErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.hint = options.hint;
    this.details = options.details ?? {};
  }
}

/** True for a VaultError, with one of the given codes where any are given. */
export function isVaultError(error: unknown, ...codes: ErrorCode[]): error is VaultError {
  return error instanceof VaultError && (codes.length === 0 || codes.includes(error.code));
}
