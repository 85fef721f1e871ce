import type { ErrorCode } from '../../src/errors.ts';
import type { Json } from '../../src/json/canonical.ts';

/** The shapes of the files in this folder; README.md describes them for readers in other languages. */

export type Expectation = { readonly value: Json } | { readonly error: ErrorCode };

export interface VectorIdentity {
  readonly type: 'vault' | 'ssh-ed25519' | 'age';
  /** The whole identity file. */
  readonly text: string;
  /** What is in it, as hexadecimal: the seed of 32 bytes, or age's X25519 scalar. */
  readonly secret: string;
}

export interface OpenVector {
  readonly name: string;
  readonly description: string;
  readonly vault: string;
  readonly item: string;
  /** The field that is wanted; null for an object of all fields. */
  readonly field: string | null;
  readonly identity: VectorIdentity;
  /** The name by which the reader knows itself, or null. */
  readonly reader: string | null;
  /** What the reader remembers; null on first use. */
  readonly pin: { readonly version: number; readonly digest: string; readonly repository: string } | null;
  readonly seen_generation: number;
  /** The texts of trust/N.json, by N. */
  readonly rosters: Readonly<Record<string, string>>;
  /** Texts of ITEM.json and ITEM_keys.json. */
  readonly documents: { readonly item: string; readonly keys: string };
  /** Texts of both files of the audience that the item is sealed to, where it is sealed to one and that is there. */
  readonly audience?: { readonly name: string; readonly item: string; readonly keys: string };
  readonly expect: Expectation;
}

export interface KeyVectors {
  readonly seeds: readonly {
    readonly seed: string; readonly secret_line: string; readonly sealing_line: string; readonly signing_line: string;
    readonly x25519: string; readonly ed25519: string; readonly fingerprint: string; readonly signing_fingerprint: string;
  }[];
  readonly sealing: readonly { readonly name: string; readonly line: string; readonly canonical: string; readonly type: string; readonly x25519: string; readonly fingerprint: string }[];
  readonly bad: readonly { readonly name: string; readonly kind: 'sealing' | 'signing' | 'identity'; readonly line: string; readonly error: ErrorCode }[];
}

export interface ProtectedVector {
  readonly name: string;
  readonly line: string;
  readonly passphrase: string;
  readonly expect: { readonly seed: string; readonly sealing_line: string } | { readonly error: ErrorCode };
}

export interface VectorFile<T> {
  readonly format: 'iam-vault/1';
  readonly vectors: T;
}
