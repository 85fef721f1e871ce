/** Lines of .gitattributes in the root of a vault repository. */
const LINES: readonly string[] = [
  'data_bags/** -text',
  'trust/** -text',
  'data_bags/*/*.json merge=iam-vault diff=iam-vault -text',
  'trust/*.json merge=iam-vault diff=iam-vault -text',
  'trust/proposals/*.json merge=iam-vault diff=iam-vault -text',
];

const COMMENT = '# Signed by the byte: git must not touch line ends. Merged and shown by iam-vault where "vault git install" registered it';

/** What a new .gitattributes holds. */
export const GIT_ATTRIBUTES = `${[COMMENT, ...LINES].join('\n')}\n`;

/** A .gitattributes with what it lacks of {@link GIT_ATTRIBUTES} at its end; the same text where it lacks nothing. */
export function completeAttributes(text: string): string {
  const present = new Set(text.split(/\r?\n/).map((line) => line.trim().replaceAll(/\s+/g, ' ')));
  const missing = LINES.filter((line) => !present.has(line));
  if (missing.length === 0) return text;
  const gap = text === '' || text.endsWith('\n') ? '' : '\n';
  return `${text}${gap}${[...(present.has(COMMENT) ? [] : [COMMENT]), ...missing].join('\n')}\n`;
}
