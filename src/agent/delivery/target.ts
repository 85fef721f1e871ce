import type { ItemVersion } from '../events.ts';
import type { Render } from './content.ts';

/** Where a delivery ends: a file, a directory or a socket. */
export interface Target {
  /** Renders everything that is to be there, so that what fails does so before anything is touched. @throws VaultError as Render, store-unreachable */
  prepare(render: Render, items: readonly ItemVersion[]): Promise<Prepared>;
  /** Takes away what is there. @throws VaultError store-unreachable */
  remove(): Promise<void>;
  /** Ends what ends with the process; files stay. */
  close(): Promise<void>;
}

export interface Prepared {
  /** Whether all of it is there already. @throws VaultError store-unreachable, input-unreadable */
  isInPlace(): Promise<boolean>;
  /** @throws VaultError store-unreachable */
  put(): Promise<void>;
}
