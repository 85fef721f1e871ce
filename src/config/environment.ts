import { homedir } from 'node:os';
import { isAbsolute, join, resolve } from 'node:path';
import { VaultError } from '../errors.ts';

/** Variables of the environment, and places that they name. The rest of the program never reads process.env. */
export interface Environment {
  readonly variables: Readonly<Record<string, string | undefined>>;
  readonly home: string;
  readonly cwd: string;
  /** Effective user; undefined where the system has no such numbers. */
  readonly uid?: number | undefined;
}

export function processEnvironment(): Environment {
  return {
    variables: process.env,
    home: homedir(),
    uid: process.geteuid?.(),
    get cwd() {
      try {
        return process.cwd();
      } catch (cause) {
        throw new VaultError('input-unreadable', 'The working directory does not exist any more.', { cause, hint: 'Change into another one.' });
      }
    },
  };
}

/** The value of a variable; undefined where it is unset or empty. */
export function variable({ variables }: Environment, name: string): string | undefined {
  const value = variables[name];
  return value === undefined || value === '' ? undefined : value;
}

/** What a service manager told this process of itself (sd_notify(3)). It is taken out of the environment: programs that this one runs must not answer. */
export function takeServiceVariables({ variables }: Environment): { readonly NOTIFY_SOCKET: string | undefined; readonly WATCHDOG_USEC: string | undefined; readonly WATCHDOG_PID: string | undefined } {
  const { NOTIFY_SOCKET, WATCHDOG_USEC, WATCHDOG_PID } = variables;
  for (const name of ['NOTIFY_SOCKET', 'WATCHDOG_USEC', 'WATCHDOG_PID']) Reflect.deleteProperty(variables, name);
  return { NOTIFY_SOCKET, WATCHDOG_USEC, WATCHDOG_PID };
}

/** Variables of git that name places relative to where a program begins. */
const GIT_PLACES = ['GIT_DIR', 'GIT_WORK_TREE', 'GIT_INDEX_FILE', 'GIT_COMMON_DIR', 'GIT_OBJECT_DIRECTORY'];

/** The environment for running git anywhere: what git told this program of places, or the person did, stays true there. */
export function gitVariables(environment: Environment): Readonly<Record<string, string | undefined>> {
  const places = GIT_PLACES.flatMap((name): [string, string][] => {
    // With GIT_DIR alone, git takes the working directory for the work tree.
    const value = variable(environment, name) ?? (name === 'GIT_WORK_TREE' && variable(environment, 'GIT_DIR') !== undefined ? '.' : undefined);
    return value === undefined ? [] : [[name, resolve(environment.cwd, value)]];
  });
  return { ...environment.variables, ...Object.fromEntries(places) };
}

/** Without a home, private files would land wherever the program runs: in a repository. */
function homeOf({ home }: Environment): string {
  if (isAbsolute(home)) return home;
  throw new VaultError('input-unreadable', 'There is no home directory: HOME is empty or not a path from the root.', {
    hint: 'Set HOME, or XDG_STATE_HOME and XDG_CONFIG_HOME.',
  });
}

/** VAULT_STATE_DIR, or iam-vault under XDG_STATE_HOME (XDG Base Directory Specification). */
export function stateDirectoryPath(environment: Environment): string {
  return variable(environment, 'VAULT_STATE_DIR')
    ?? join(variable(environment, 'XDG_STATE_HOME') ?? join(homeOf(environment), '.local', 'state'), 'iam-vault');
}

/** Where `vault init` and `vault key generate` put a person's identity: under XDG_CONFIG_HOME, never in the repository. */
export function defaultIdentityPath(environment: Environment): string {
  return join(variable(environment, 'XDG_CONFIG_HOME') ?? join(homeOf(environment), '.config'), 'iam-vault', 'identity');
}

/** Places where an identity is looked for when none is named, in this order. */
export function identityPaths(environment: Environment): string[] {
  return [
    defaultIdentityPath(environment),
    '/etc/iam-vault/identity',
    join(environment.home, '.ssh', 'id_ed25519'),
    '/etc/ssh/ssh_host_ed25519_key',
  ];
}

/** Where plaintext may be edited: places that are in memory on most machines, and one on a disk. */
export function scratchPlaces(environment: Environment): { readonly memory: readonly string[]; readonly disk: string } {
  const named = (name: string): string[] => [variable(environment, name) ?? ''].filter(isAbsolute);
  return { memory: [...named('XDG_RUNTIME_DIR'), '/dev/shm'], disk: named('TMPDIR')[0] ?? '/tmp' };
}
