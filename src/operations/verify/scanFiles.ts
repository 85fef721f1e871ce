import { join } from 'node:path';
import { isVaultError } from '../../errors.ts';
import { readRegularFileNow, systemCode } from '../../files/read.ts';
import { loadScanner } from '../../scanning/plaintext.ts';
import type { Finding } from './finding.ts';

/** Larger files are passed over. */
const MAX_BYTES = 1 << 20;

/** Where git, too, looks for what makes a file binary. */
const HEAD_BYTES = 8000;

/** What stands in a name for bytes that are no UTF-8: there is no file of that name. */
const NO_TEXT = '\uFFFD';

/** What came of looking for plaintext credentials. */
export interface ScanResult {
  /** Files that were looked into. */
  readonly scanned: number;
  /** Files that were not, for they are too large, cannot be read, or have names that are no text. */
  readonly passedOver: readonly string[];
  readonly problems: readonly Finding[];
}

/** Looks into text files for what looks like plaintext credentials. A finding never quotes what was found. @param files relative to `root` */
export async function scanFiles(root: string, files: readonly string[]): Promise<ScanResult> {
  const findPlaintext = await loadScanner();
  const problems: Finding[] = [];
  const passedOver: string[] = [];
  let scanned = 0;
  for (const path of files) {
    if (path.includes(NO_TEXT)) {
      passedOver.push(path);
      continue;
    }
    const bytes = readText(join(root, path));
    if (typeof bytes === 'string') {
      if (bytes === 'passed-over') passedOver.push(path);
      continue;
    }
    scanned++;
    for (const { line, rule } of await findPlaintext(new TextDecoder().decode(bytes))) {
      problems.push({
        path: `${path}:${String(line)}`, code: 'plaintext-found', message: `${path}:${String(line)}: this looks like a plaintext credential (${rule}).`,
        hint: 'Take it out, and out of the history if it was committed; then replace it at its source. Seal it with "vault create item". If it is none, leave the file out with --allow PATH.',
      });
    }
  }
  return { scanned, passedOver, problems };
}

/** The bytes of a text file; `none` for what is no text file, or is gone. */
function readText(path: string): Uint8Array | 'none' | 'passed-over' {
  try {
    const file = readRegularFileNow(path, { maxBytes: MAX_BYTES });
    return file === undefined || file.bytes.subarray(0, HEAD_BYTES).includes(0) ? 'none' : file.bytes;
  } catch (error) {
    if (!isVaultError(error, 'input-unreadable', 'input-too-large')) throw error;
    // Of a symbolic link, git keeps where it points to and nothing else; of a submodule, a commit.
    return error.code === 'input-too-large' || systemCode(error.cause) === 'EACCES' ? 'passed-over' : 'none';
  }
}
