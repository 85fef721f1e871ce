import type { ItemRef } from '../sealing/dataKey.ts';
import type { VaultError } from '../errors.ts';

/** What a follower of a whole repository is told: that something is not as it was. What it is now, it reads. */
export interface ChangeListener {
  /** A node's object, its client document or its admission. */
  node(name: string): void;
  /** A role, which many nodes may have. */
  roles(): void;
  /** An item or an audience: another generation, or gone. */
  item(ref: ItemRef): void;
  roster(): void;
  /** From here on every change is told; what happened before may not have been. */
  anew(): void;
  /** The connection is lost (told again only after it was good); undefined: it is back. */
  problem(problem: VaultError | undefined): void;
}

export interface ChangeStore {
  /** Tells of each change, through lost connections, until it is ended. */
  follow(listener: ChangeListener): () => void;
}
