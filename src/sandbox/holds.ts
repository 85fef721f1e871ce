/** A call whose connection is kept open without a reply. */
export interface HeldCall {
  readonly id: number;
  readonly action: string;
  readonly account: string | undefined;
  readonly when: 'before' | 'after';
}

/** How holding a call ended: with a release, with a broken connection on our wish, or because the client went away. */
export type HoldEnd = 'released' | 'broken-off' | 'client-gone';

export interface Release {
  /** The call to let go; all of them where it is left out. */
  readonly id?: number | undefined;
  /** True breaks the connection off instead of answering. */
  readonly drop?: boolean | undefined;
}

export interface Holds {
  /** Waits until the call is released or `signal` says that its client is gone. */
  hold(call: Omit<HeldCall, 'id'>, signal: AbortSignal | undefined): Promise<HoldEnd>;
  held(): HeldCall[];
  /** Waits until at least one call is held, or until `signal` fires; then returns what is held. */
  waitForHeld(signal?: AbortSignal): Promise<HeldCall[]>;
  /** Returns how many calls it let go. */
  release(release?: Release): number;
}

export function createHolds(): Holds {
  const calls = new Map<number, { readonly call: HeldCall; readonly end: (how: HoldEnd) => void }>();
  const waiting = new Set<() => void>();
  let lastId = 0;
  const held = (): HeldCall[] => Array.from(calls.values(), ({ call }) => call);

  return {
    held,

    hold: (call, signal) =>
      new Promise((resolve) => {
        const id = (lastId += 1);
        const end = (how: HoldEnd): void => {
          signal?.removeEventListener('abort', gone);
          calls.delete(id);
          resolve(how);
        };
        const gone = (): void => {
          end('client-gone');
        };
        if (signal?.aborted === true) {
          resolve('client-gone');
          return;
        }
        signal?.addEventListener('abort', gone);
        calls.set(id, { call: { id, ...call }, end });
        for (const wake of [...waiting]) wake();
      }),

    waitForHeld: (signal) =>
      new Promise((resolve) => {
        const wake = (): void => {
          waiting.delete(wake);
          signal?.removeEventListener('abort', wake);
          resolve(held());
        };
        if (calls.size > 0 || signal?.aborted === true) {
          wake();
          return;
        }
        waiting.add(wake);
        signal?.addEventListener('abort', wake);
      }),

    release({ id, drop = false } = {}) {
      const chosen = [...calls.values()].filter(({ call }) => id === undefined || call.id === id);
      for (const { end } of chosen) end(drop ? 'broken-off' : 'released');
      return chosen.length;
    },
  };
}
