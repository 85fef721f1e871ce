import type { IamFileCheck } from '../policy/checkIamFile.ts';
import { escapeForTerminal } from './escape.ts';
import type { Colors } from './output.ts';

/** What `vault check iam` found, as JSON. */
export function checksAsJson(checks: readonly IamFileCheck[]): object {
  return {
    files: checks.map(({ file, findings, tests }) => ({
      file: file.source, findings,
      tests: tests.map(({ index, expect, action, on, decision, pass }) => ({ index, expect, action, on, decision, pass })),
    })),
  };
}

/** Findings as `file:line:column`, as compilers write them, then tests. */
export function renderChecks(checks: readonly IamFileCheck[], colors: Colors): string {
  return checks.map((check) => {
    const source = escapeForTerminal(check.file.source);
    const findings = renderFindings(check, colors);
    const tests = check.tests.map(({ expect, action, on, pass, message }) => (pass
      ? `${colors.green('pass')}  ${expect} ${escapeForTerminal(action)} on ${escapeForTerminal(on)}`
      : `${colors.red('FAIL')}  ${escapeForTerminal(message)}`));
    const errors = check.findings.filter(({ severity }) => severity === 'error').length;
    const failed = check.tests.filter(({ pass }) => !pass).length;
    const sum = errors === 0 && failed === 0
      ? `${colors.green('ok')}    ${source}: ${count(check.file.accounts.length, 'account')}, ${check.tests.length === 0 ? 'no policy tests' : `${count(check.tests.length, 'policy test')} passed`}`
      : `${colors.red('FAIL')}  ${source}: ${count(errors, 'error')}, ${String(failed)} of ${count(check.tests.length, 'policy test')} failed`;
    return [...findings, ...tests, sum].join('\n');
  }).join('\n');
}

function count(number: number, noun: string): string {
  return `${String(number)} ${noun}${number === 1 ? '' : 's'}`;
}

/** One line a finding. */
export function renderFindings({ file, findings }: IamFileCheck, colors: Colors): string[] {
  return findings.map(({ severity, rule, line, column, path, message, suggestion }) => {
    const label = severity === 'error' ? colors.red('error') : colors.yellow('warning');
    const near = suggestion === undefined ? '' : ` Did you mean "${escapeForTerminal(suggestion)}"?`;
    return `${escapeForTerminal(file.source)}:${String(line)}:${String(column)}: ${label}: ${escapeForTerminal(path)}: ${escapeForTerminal(message)}${near} ${colors.dim(`[${rule}]`)}`;
  });
}
