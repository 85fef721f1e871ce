import type { Finding } from '../operations/verify/finding.ts';
import type { Verification } from '../operations/verify/verifyRepository.ts';
import { VaultError } from '../errors.ts';
import { EXIT, exitCodeOf } from './exitCodes.ts';
import type { Output } from './output.ts';

/** Prints what came of a verification: a summary on stdout, each finding on stderr. @returns the exit code */
export function reportVerification(output: Output, verification: Verification): number {
  const { roster, items, recipients, problems, warnings, scanned } = verification;
  const counted = (count: number, one: string): string => `${count.toLocaleString('en')} ${one}${count === 1 ? '' : 's'}`;
  const sound = problems.length === 0;
  // A hook that finds all well has nothing to say.
  output.result(verification, sound && output.options.quiet ? '' : [
    `${sound ? output.colors.green('Verified') : 'Looked at'} ${counted(items, 'item')} with ${counted(recipients, 'recipient')}${scanned === 0 ? '' : `, and ${counted(scanned, 'file')} for plaintext credentials`}.`,
    ...(roster === undefined ? [] : [`Roster: version ${String(roster.version)}, ${roster.fingerprint}.`]),
    ...(sound ? [] : [output.colors.red(`${counted(problems.length, 'problem')}.`)]),
  ].join('\n'));
  if (!output.options.json) {
    for (const { message, hint } of withHintsOnce(warnings)) output.warning(hint === undefined ? message : `${message} ${hint}`);
    for (const { code, message, hint } of withHintsOnce(problems)) output.failure(new VaultError(code, message, { hint }));
  }
  return worstExitCode(problems);
}

/** Where several findings in a row have one hint, it stands under the last. */
function withHintsOnce(findings: readonly Finding[]): Finding[] {
  return findings.map((finding, i) => {
    const { hint, ...rest } = finding;
    return hint === undefined || hint === findings[i + 1]?.hint ? rest : finding;
  });
}

/** Whatever concerns trust is the worst. */
function worstExitCode(problems: readonly Finding[]): number {
  const codes = problems.map(({ code }) => exitCodeOf(code));
  return codes.includes(EXIT.trust) ? EXIT.trust : Math.max(EXIT.done, ...codes);
}
