import { Config } from '@oclif/core/config';
import type { Command } from '@oclif/core/command';

/** Modules that oclif otherwise loads by their path, as the build names them: `commands/create/iam`. */
export type Modules = Readonly<Record<string, () => Promise<{ readonly default: unknown }>>>;

/** A class of src/commands. */
type CommandClass = typeof Command & { new (argv: string[], config: Config): Command };

/**
 * Runs a command that is named in full, without first loading oclif's configuration: the manifest, the topics and the theme are
 * only for help, `--version`, and names that are no command, all of which are left to oclif.
 * @returns whether it was such a command; its failures are reported by itself
 */
export async function runDirectly(argv: readonly string[], modules: Modules, package_: { readonly name: string; readonly version: string; readonly bin: string; readonly root: string }): Promise<boolean> {
  if (argv.slice(0, 2).some((word) => word.includes('/'))) return false;
  const end = argv.indexOf('--');
  if ((end < 0 ? argv : argv.slice(0, end)).some((arg) => arg === '--help' || arg === '-h')) return false;
  const length = [2, 1].find((words) => argv.length >= words && Object.hasOwn(modules, pathOf(argv.slice(0, words))));
  const load = length === undefined ? undefined : modules[pathOf(argv.slice(0, length))];
  if (length === undefined || load === undefined) return false;
  const command = (await load()).default as CommandClass;
  command.id = argv.slice(0, length).join(':');
  await command.run([...argv.slice(length)], new DirectConfig(package_));
  return true;
}

function pathOf(words: readonly string[]): string {
  return `commands/${words.join('/')}`;
}

/** As much of oclif's configuration as a command of ours meets. None of our hooks is for a command that was found. */
class DirectConfig extends Config {
  constructor({ name, version, bin, root }: Parameters<typeof runDirectly>[2]) {
    super({ root });
    this.name = name;
    this.version = version;
    this.bin = bin;
    this.topicSeparator = ' ';
  }

  override runHook: Config['runHook'] = async () => await Promise.resolve({ failures: [], successes: [] });
}
