/**
 * Makes text that came from a file or a server safe for a terminal: control characters (C0, C1, DEL) and the characters
 * that reorder text (Unicode TR9) are written as \u{…}. Line feeds are kept where `multiline` is set.
 */
export function escapeForTerminal(text: string, multiline = false): string {
  // eslint-disable-next-line no-control-regex -- control characters are what this is about
  return text.replace(/[\u0000-\u001f\u007f-\u009f\u061c\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069]/g, (character) =>
    multiline && character === '\n' ? character : `\\u{${(character.codePointAt(0) ?? 0).toString(16)}}`);
}
