import type { VaultError } from '../errors.ts';

/** Where nodes leave their reports, each under its name, for as long as they keep it. A store neither opens nor judges them. */
export interface ReportStore {
  /** Every report that is there. */
  list(): Promise<ReadonlyMap<string, Uint8Array>>;
  /** Tells all reports that are there, then each change (undefined: it is gone), through lost connections, until it is ended. */
  follow(listener: ReportListener): () => void;
  /** For the node itself. */
  writer(node: string, options: ReportWriterOptions): ReportWriter;
}

export interface ReportListener {
  /** The first time, also where there are none. */
  changed(reports: ReadonlyMap<string, Uint8Array | undefined>): void;
  /** The connection is lost (told again only after it was good); undefined: it is back. */
  problem(problem: VaultError | undefined): void;
}

export interface ReportWriterOptions {
  /** How long a report is there after it was last kept, in seconds. */
  readonly ttlSeconds: number;
}

/** Writes the report of one node. One call at a time; each throws store-unreachable, and input-too-large. */
export interface ReportWriter {
  /** Puts a report in the place of the one before. */
  write(bytes: Uint8Array): Promise<void>;
  /** Has it stay. @returns false where it is gone: it must be written again */
  keep(): Promise<boolean>;
}
