import pc from 'picocolors';
import { VaultError } from '../errors.ts';
import { escapeForTerminal, escapeJsonForTerminal } from './escape.ts';
import { exitCodeOf } from './exitCodes.ts';

/** A place that text can be written to. */
export interface TextStream {
  write(text: string): unknown;
  readonly isTTY?: boolean | undefined;
  readonly columns?: number | undefined;
  readonly rows?: number | undefined;
}

export interface OutputOptions {
  readonly json: boolean;
  /** Nothing but results and errors. */
  readonly quiet: boolean;
  readonly stdout: TextStream;
  readonly stderr: TextStream;
  /** From NO_COLOR and FORCE_COLOR; undefined leaves it to the terminal. */
  readonly color?: boolean | undefined;
  /** Shows text page by page; false where it could not, and showed nothing. */
  readonly pager?: ((text: string) => Promise<boolean>) | undefined;
}

export type Colors = ReturnType<typeof pc.createColors>;

/** Results go to stdout, everything else to stderr. */
export interface Output {
  readonly options: OutputOptions;
  /** Colours for stdout. */
  readonly colors: Colors;
  /** Colours for stderr. */
  readonly errorColors: Colors;
  /** Characters in a line of the terminal that stdout is; undefined where it is none. */
  readonly width: number | undefined;
  /** A command's result: as JSON with --json, as text otherwise. `text` has its untrusted parts escaped already. */
  result(json: unknown, text: string): void;
  /** A {@link result} that may be long, and holds no secret: what a terminal has too few lines for is shown by the pager. */
  longResult(json: unknown, text: string): Promise<void>;
  /** Something that a person should know; not with --quiet. */
  notice(text: string): void;
  warning(text: string): void;
  /** A warning that --quiet does not keep back. */
  alert(text: string): void;
  /** Reports a failure and returns the exit code for it. */
  failure(error: unknown): number;
}

export function createOutput(options: OutputOptions): Output {
  const { stdout, stderr } = options;
  const colors = pc.createColors(options.color ?? stdout.isTTY === true);
  const errorColors = pc.createColors(options.color ?? stderr.isTTY === true);
  const result: Output['result'] = (json, text) => {
    if (options.json) stdout.write(jsonText(json));
    else if (text !== '') stdout.write(withNewline(text));
  };
  return {
    options,
    colors,
    errorColors,
    width: stdout.isTTY === true ? stdout.columns ?? 80 : undefined,
    result,
    async longResult(json, text) {
      const isLong = stdout.isTTY === true && stdout.rows !== undefined && text.split('\n').length >= stdout.rows;
      const paged = isLong && !options.json && !options.quiet && await options.pager?.(withNewline(text)) === true;
      if (!paged) result(json, text);
    },
    notice(text) {
      if (!options.quiet) stderr.write(`${escapeForTerminal(text, true)}\n`);
    },
    warning(text) {
      if (!options.quiet) stderr.write(`${errorColors.yellow('warning:')} ${escapeForTerminal(text, true)}\n`);
    },
    alert(text) {
      stderr.write(`${errorColors.yellow('warning:')} ${escapeForTerminal(text, true)}\n`);
    },
    failure(error) {
      const known = asVaultError(error);
      if (options.json) {
        const facts = { code: known.code, message: known.message, ...(known.hint === undefined ? {} : { hint: known.hint }) };
        // Twice: first in order, and last in precedence.
        stdout.write(jsonText({ error: { ...facts, ...known.details, ...facts } }));
      } else if (known.code === 'interrupted' && known.details['declined'] === true) {
        stderr.write(`${escapeForTerminal(known.message, true)}\n`);
      } else {
        stderr.write(`${errorColors.red('error:')} ${escapeForTerminal(known.message, true)}\n`);
        if (known.hint !== undefined) stderr.write(`${errorColors.dim(`hint: ${escapeForTerminal(known.hint, true)}`)}\n`);
      }
      return exitCodeOf(known.code);
    },
  };
}

function withNewline(text: string): string {
  return text.endsWith('\n') ? text : `${text}\n`;
}

function jsonText(value: unknown): string {
  return `${escapeJsonForTerminal(JSON.stringify(value, undefined, 2))}\n`;
}

/** Errors that are not ours are faults of the program; their messages are shown, for there is nothing better. */
function asVaultError(error: unknown): VaultError {
  if (error instanceof VaultError) return error;
  const message = error instanceof Error ? error.message : String(error);
  return new VaultError('internal', `Something went wrong inside iam-vault: ${message}`, {
    cause: error, hint: 'Run it again with DEBUG=iam-vault to see where, and report it.',
  });
}
