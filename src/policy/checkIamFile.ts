import { parseIamFileDocument, type IamFile } from './iamFile.ts';
import { lintPolicy } from './lint/lintPolicy.ts';
import type { Finding } from './lint/finding.ts';
import { isHopelesslyLong } from './lint/rules/policySize.ts';
import { runPolicyTests, type TestResult } from './policyTests.ts';

/** All that can be said of an IAM file without touching an account. */
export interface IamFileCheck {
  readonly file: IamFile;
  readonly findings: readonly Finding[];
  readonly tests: readonly TestResult[];
}

/**
 * Reads an IAM file, lints its policy and runs its policy tests. What lint and tests find is returned, for the caller
 * to judge; a file that cannot be read as an IAM file throws. Where lint finds the policy hopelessly long (`policy-size`,
 * more than twice what IAM takes), its tests are not run.
 * @throws VaultError as parseIamFileDocument does
 */
export async function checkIamFile(bytes: Uint8Array, source: string): Promise<IamFileCheck> {
  const { file, document } = parseIamFileDocument(bytes, source);
  // A policy that long has an error in any case; its tests could take minutes.
  const tests = isHopelesslyLong(file.policy) ? [] : runPolicyTests(file);
  return { file, findings: await lintPolicy(file, document), tests };
}
