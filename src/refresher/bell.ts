/** Wakes one who waits. */
export interface Bell {
  ring(): void;
  /** Resolves when it was rung since the last time, or at the end. */
  rung(): Promise<void>;
}

export function openBell(signal: AbortSignal): Bell {
  let isRung = false;
  let answer: () => void = () => undefined;
  const ring = (): void => {
    isRung = true;
    answer();
  };
  signal.addEventListener('abort', ring, { once: true });
  return {
    ring,
    async rung() {
      if (!isRung) await new Promise<void>((resolve) => { answer = resolve; });
      isRung = false;
    },
  };
}
