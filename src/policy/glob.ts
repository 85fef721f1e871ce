/**
 * One place of a pattern: a character, or a wildcard. Patterns are lists of these, so that what a `*` may run over is
 * decided where the pattern is read (action.ts, arn.ts) and matching is one small piece of code.
 */
export interface GlobStep {
  /** The character itself; a wildcard has none. */
  readonly char?: string;
  /** True for `*`: any number of characters, none included. */
  readonly repeat: boolean;
  /** Whether a wildcard may stand for a colon. */
  readonly colon: boolean;
}

export const ANY_CHARACTERS: GlobStep = { repeat: true, colon: true };

/** `*` and `?` as wildcards, everything else as itself. */
export function globSteps(pattern: string, colon = true): GlobStep[] {
  return pattern.split('').map((c) =>
    c === '*' ? { repeat: true, colon }
    : c === '?' ? { repeat: false, colon }
    : { char: c, repeat: false, colon: c === ':' });
}

/** True where `text` holds a wildcard. */
export function hasWildcard(text: string): boolean {
  return /[*?]/.test(text);
}

/**
 * Whether `text` matches the pattern as a whole. Takes at most steps × characters: all positions that the pattern can be
 * in are carried along together, so nothing is ever tried twice.
 */
export function globMatches(steps: readonly GlobStep[], text: string): boolean {
  let reached = closure(steps, new Uint8Array(steps.length + 1), 0);
  for (const c of text.split('')) {
    const next = new Uint8Array(steps.length + 1);
    let alive = false;
    for (let i = reached.indexOf(1); i !== -1; i = reached.indexOf(1, i + 1)) {
      const step = steps[i];
      if (step === undefined || !accepts(step, c)) continue;
      closure(steps, next, step.repeat ? i : i + 1);
      alive = true;
    }
    if (!alive) return false;
    reached = next;
  }
  return reached[steps.length] === 1;
}

/** Whether some text matches both patterns. Takes at most the product of their lengths. */
export function globsOverlap(a: readonly GlobStep[], b: readonly GlobStep[]): boolean {
  // reached[j]: the first i steps of `a` and the first j of `b` can have used up the same text.
  let reached = new Uint8Array(b.length + 1);
  for (let i = 0; i <= a.length; i++) {
    const next = new Uint8Array(b.length + 1);
    const before = a[i - 1];
    for (let j = 0; j <= b.length; j++) {
      const other = b[j - 1];
      const fresh = i === 0 && j === 0;
      const emptyA = before?.repeat === true && reached[j] === 1;
      const emptyB = other?.repeat === true && next[j - 1] === 1;
      const both = before !== undefined && other !== undefined && meet(before, other)
        && (reached[j - 1] === 1 || (before.repeat && next[j - 1] === 1) || (other.repeat && reached[j] === 1));
      if (fresh || emptyA || emptyB || both) next[j] = 1;
    }
    reached = next;
  }
  return reached[b.length] === 1;
}

/** Marks step `from`, and every step that is reached from it without a character. */
function closure(steps: readonly GlobStep[], reached: Uint8Array<ArrayBuffer>, from: number): Uint8Array<ArrayBuffer> {
  let i = from;
  while (reached[i] === 0) {
    reached[i] = 1;
    if (steps[i]?.repeat !== true) break;
    i++;
  }
  return reached;
}

function accepts(step: GlobStep, c: string): boolean {
  return step.char === undefined ? step.colon || c !== ':' : step.char === c;
}

function meet(a: GlobStep, b: GlobStep): boolean {
  if (a.char !== undefined) return accepts(b, a.char);
  return b.char === undefined || accepts(a, b.char);
}
