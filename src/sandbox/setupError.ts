/**
 * Why a sandbox cannot start: `accounts-invalid`, `state-file-invalid` (not what we wrote), `state-file-exposed` (others
 * may read it, and it holds secrets), `state-file-unreadable`, `host-not-loopback`.
 */
export type SandboxSetupErrorCode =
  | 'accounts-invalid'
  | 'state-file-invalid'
  | 'state-file-exposed'
  | 'state-file-unreadable'
  | 'host-not-loopback';

/** The sandbox's own error: this room shares nothing with the others, not even their errors. */
export class SandboxSetupError extends Error {
  override readonly name = 'SandboxSetupError';
  readonly code: SandboxSetupErrorCode;

  constructor(code: SandboxSetupErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}
