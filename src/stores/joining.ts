import type { VaultError } from '../errors.ts';

/** A document about joining, and the state of the store that wrote it. */
export interface JoinDocument {
  readonly bytes: Uint8Array;
  /** Which write made it what it is; of two, the later one has the higher number. */
  readonly revision: number;
  /** Where it is, for messages. */
  readonly source: string;
}

/** A request to join. What it says of itself is no more to be believed than anything else that lies in a store. */
export interface FiledRequest extends JoinDocument {
  /** The name and the id under which it lies. */
  readonly name: string;
  readonly id: string;
}

/** What became of a request. */
export interface JoinOutcome {
  readonly admission: JoinDocument | undefined;
  readonly refusal: JoinDocument | undefined;
}

/** What a follower of requests, or of what became of one, is told. */
export interface JoinListener {
  /** Something changed; also when following begins, and after changes may have been missed. */
  changed(): void;
  /** The connection is lost (told again only after it was good); undefined: it is back. */
  problem(problem: VaultError | undefined): void;
}

/** What lies there that a request to join is judged by, all of one moment. */
export interface JoinPremises {
  readonly invitation: JoinDocument | undefined;
  /** That request was admitted before. */
  readonly hasJoined: boolean;
  /** The node of that name. */
  readonly node: JoinDocument | undefined;
  readonly client: JoinDocument | undefined;
  readonly admission: JoinDocument | undefined;
}

/** All that admitting a request changes, in one step. */
export interface AdmittedNode {
  readonly request: FiledRequest;
  /** The invitation as it was read, and as it is then. */
  readonly invitation: { readonly id: string; readonly revision: number; readonly bytes: Uint8Array };
  readonly node: Uint8Array;
  readonly client: Uint8Array;
  readonly admission: Uint8Array;
  /** Version of the roster that all was judged by. */
  readonly roster: number;
}

/** Kinds of what is kept about joining, each document under a name of its own; `uses`: which node joined with which invitation. */
export const JOIN_KINDS = ['invitations', 'uses', 'requests', 'admissions', 'refusals'] as const;
export type JoinKind = (typeof JOIN_KINDS)[number];

/**
 * Invitations, requests to join, and what becomes of them: of a live store alone. It moves bytes and judges none of them.
 * Each method throws store-unreachable where the engine fails; names are checked (name-invalid).
 */
export interface JoinStore {
  readInvitation(id: string): Promise<JoinDocument | undefined>;
  /** Ids, sorted. */
  listInvitations(): Promise<string[]>;
  /** @param expected revision of what it replaces; 0 where there must be none. @throws VaultError store-conflict */
  writeInvitation(id: string, bytes: Uint8Array, expected: number): Promise<void>;
  /** Removes it, and who joined with it is forgotten. */
  removeInvitation(id: string): Promise<void>;
  /** Names of the nodes that joined with it, sorted. */
  listJoined(id: string): Promise<string[]>;

  /** Files a request, in place of an earlier one under that id. Needs no right to read it. @returns the revision that it has then */
  fileRequest(name: string, id: string, bytes: Uint8Array): Promise<number>;
  readRequest(name: string, id: string): Promise<FiledRequest | undefined>;
  /** Every request, by name. */
  listRequests(): AsyncIterable<FiledRequest>;
  /** Removes a request, if it is still this one. @returns whether it was */
  removeRequest(request: FiledRequest): Promise<boolean>;

  /** @param invitation id of the one that the request names */
  readPremises(request: FiledRequest, invitation: string): Promise<JoinPremises>;
  /** One transaction; false where something that it goes by is not so any more, and nothing was changed: look at it again. */
  admit(admitted: AdmittedNode): Promise<boolean>;
  /** Puts a refusal in the place of a request. False as with {@link admit}. */
  refuse(request: FiledRequest, refusal: Uint8Array): Promise<boolean>;
  /** What the node itself may read. */
  readOutcome(name: string, id: string): Promise<JoinOutcome>;
  /** Tells when there is another outcome, through lost connections, until it is ended. */
  followOutcome(name: string, id: string, listener: JoinListener): () => void;
  /** Tells when there are further requests. */
  followRequests(listener: JoinListener): () => void;
  /** Every refusal, under the id of its request. */
  listRefusals(): AsyncIterable<JoinDocument & { readonly id: string }>;
  removeRefusal(id: string): Promise<void>;

  readAdmission(name: string): Promise<JoinDocument | undefined>;
  /** Every admission, by name. */
  listAdmissions(): AsyncIterable<JoinDocument & { readonly name: string }>;
  writeAdmission(name: string, bytes: Uint8Array): Promise<void>;
  /** @param revision of the one that is meant; whichever is there where it is left out */
  removeAdmission(name: string, revision?: number): Promise<void>;

  /** Everything of a kind as it lies there, for a copy of all, sorted by name: what such a name is made of is the store's own. */
  listKind(kind: JoinKind): AsyncIterable<JoinDocument & { readonly name: string }>;
  /** Puts a document of {@link listKind} into a store that nobody uses yet; undefined removes it. */
  restore(kind: JoinKind, name: string, bytes: Uint8Array | undefined): Promise<void>;
}
