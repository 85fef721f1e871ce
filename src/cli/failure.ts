import { isVaultError } from '../errors.ts';
import { processEnvironment, variable } from '../config/environment.ts';
import { processOutput } from './processOutput.ts';
import { asUsageError, type CommandShape } from './usageError.ts';

/** Ends the program with the report and the exit code of `error`; nothing is thrown. */
export function reportFailure(error: unknown, argv: readonly string[], command: CommandShape = { name: '', args: {}, flags: [] }): void {
  const flags = argv.includes('--') ? argv.slice(0, argv.indexOf('--')) : argv;
  process.exitCode = processOutput({ json: flags.includes('--json'), quiet: false }).failure(error instanceof Error ? asUsageError(error, command) : error);
  const wantsStack = variable(processEnvironment(), 'DEBUG')?.includes('iam-vault') === true;
  if (wantsStack && error instanceof Error && !isVaultError(error)) process.stderr.write(`${error.stack ?? ''}\n`);
}
