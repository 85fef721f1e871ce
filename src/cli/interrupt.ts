import type { VaultError } from '../errors.ts';

/** Aborts on Ctrl-C and SIGTERM, so that what was begun is recorded and the next run finishes it. */
export function interruptSignal(): { readonly signal: AbortSignal; release(): void } {
  const controller = new AbortController();
  const stop = (): void => { controller.abort(); };
  process.once('SIGINT', stop);
  process.once('SIGTERM', stop);
  return {
    signal: controller.signal,
    release() {
      process.removeListener('SIGINT', stop);
      process.removeListener('SIGTERM', stop);
    },
  };
}

/** The failure whose exit code a run ends with: the first that is not a mere interruption. */
export function worstOf(errors: readonly VaultError[]): VaultError | undefined {
  return errors.find(({ code }) => code !== 'interrupted') ?? errors[0];
}
