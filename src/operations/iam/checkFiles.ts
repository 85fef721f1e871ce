import { VaultError } from '../../errors.ts';
import { readRegularFile } from '../../files/read.ts';
import { checkIamFile, type IamFileCheck } from '../../policy/checkIamFile.ts';

const MAX_BYTES = 1 << 20;

/**
 * Reads and checks IAM files; touches no account.
 * @throws VaultError input-*, for the first file that cannot be read as one
 */
export async function checkFiles(paths: readonly string[]): Promise<IamFileCheck[]> {
  const checks: IamFileCheck[] = [];
  for (const path of paths) {
    const file = await readRegularFile(path, { maxBytes: MAX_BYTES, followLink: true });
    if (file === undefined) {
      throw new VaultError('input-unreadable', `There is no file ${path}.`, { hint: 'Name IAM files, as ./iam-json-data/NAME.json.', details: { source: path } });
    }
    checks.push(await checkIamFile(file.bytes, path));
  }
  return checks;
}

/** @throws VaultError policy-lint, policy-test-failed: what keeps a file from being applied */
export function requireClean(checks: readonly IamFileCheck[]): void {
  const findings = checks.flatMap(({ file, findings: found }) => found.filter(({ severity }) => severity === 'error').map((each) => ({ source: file.source, ...each })));
  if (findings.length > 0) {
    throw new VaultError('policy-lint', findings.map(({ source, line, column, path, message, rule }) => `${source}:${String(line)}:${String(column)}: ${path}: ${message} [${rule}]`).join('\n'), {
      hint: 'Mend the policy; "vault check iam" shows all that was found.', details: { findings },
    });
  }
  const failed = checks.flatMap(({ file, tests }) => tests.filter(({ pass }) => !pass).map((test) => ({ source: file.source, ...test })));
  if (failed.length > 0) {
    throw new VaultError('policy-test-failed', failed.map(({ source, index, expect, action, on, decision }) => `${source}: policy_tests[${String(index)}]: expected to ${expect} ${action} on ${on}, but the policy gives ${decision}.`).join('\n'), {
      hint: 'Mend the policy or the test; nothing was created.', details: { tests: failed },
    });
  }
}
