/** What is shown in place of a secret. */
const REDACTED = '[redacted]';

/**
 * A secret text that cannot be printed by accident: string conversion, JSON and util.inspect all give `[redacted]`.
 * Only {@link Secret.reveal} gives the value, so every place that needs it can be searched for.
 */
export class Secret {
  readonly #value: string;

  constructor(value: string) {
    this.#value = value;
  }

  /** The secret itself. Keep it in the expression that needs it. */
  reveal(): string {
    return this.#value;
  }

  toString(): string {
    return REDACTED;
  }

  toJSON(): string {
    return REDACTED;
  }

  /** What console.log and util.inspect print. */
  [Symbol.for('nodejs.util.inspect.custom')](): string {
    return REDACTED;
  }
}
