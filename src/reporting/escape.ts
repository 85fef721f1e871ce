/** Control characters (C0, C1, DEL), characters that reorder or hide text (format characters), and separators of lines. */
const UNSAFE = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu;

/**
 * Makes text that came from a file or a server safe for a terminal: what could control it, or make it show something else than
 * what is there, is written as \u{…}. Line feeds are kept where `multiline` is set.
 */
export function escapeForTerminal(text: string, multiline = false): string {
  return text.replace(UNSAFE, (character) =>
    multiline && character === '\n' ? character : `\\u{${(character.codePointAt(0) ?? 0).toString(16)}}`);
}

/** Makes JSON text safe for a terminal in the same way, by escapes that JSON has itself. */
export function escapeJsonForTerminal(json: string): string {
  return json.replace(UNSAFE, (character) => (character === '\n' ? character
    : Array.from({ length: character.length }, (_, i) => `\\u${character.charCodeAt(i).toString(16).padStart(4, '0')}`).join('')));
}
