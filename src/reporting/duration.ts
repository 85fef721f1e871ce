const UNITS = [['d', 86_400], ['h', 3600], ['m', 60], ['s', 1]] as const;

/** In the largest unit of which there are two, as `90s`, `47h`; one below. */
export function duration(ms: number): string {
  const seconds = Math.floor(ms / 1000);
  if (Number.isNaN(seconds)) return '?';
  const [unit, size] = UNITS.find(([, each]) => seconds >= 2 * each) ?? ['s', 1];
  return `${String(Math.floor(seconds / size))}${unit}`;
}
