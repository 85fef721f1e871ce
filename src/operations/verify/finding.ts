import { isVaultError, type ErrorCode } from '../../errors.ts';
import type { ItemRef } from '../../sealing/dataKey.ts';

/** Something that a person must look at, and where. */
export interface Finding {
  readonly vault?: string;
  readonly item?: string;
  /** Of a file, from the root of the repository, with the line where there is one. */
  readonly path?: string;
  readonly code: ErrorCode;
  readonly message: string;
  readonly hint?: string;
}

/** A failure as a finding; what is no VaultError is thrown on. */
export function findingOf(error: unknown, where: Partial<ItemRef> & { readonly path?: string } = {}): Finding {
  if (!isVaultError(error)) throw error;
  const { code, message, hint } = error;
  return { ...where, code, message, ...(hint === undefined ? {} : { hint }) };
}
