import { VaultError } from '../errors.ts';

/** Variables of an environment by name. */
export type Variables = Readonly<Record<string, string | undefined>>;

/**
 * Names that make programs, interpreters or their loaders run other code: what is sealed gives a command its secrets, and does not decide what it does. No
 * such list is complete.
 */
const REFUSED = new RegExp(`^(?:${[
  'PATH', 'IFS', 'ENV', 'BASH_ENV', 'BASHOPTS', 'SHELLOPTS', 'PS4', 'PROMPT_COMMAND', 'BASH_FUNC_.*', 'SHELL', 'ZDOTDIR', 'FPATH',
  'LD_.*', 'DYLD_.*', 'GCONV_PATH', 'LOCPATH', 'GLIBC_TUNABLES', 'OPENSSL_(?:CONF|ENGINES|MODULES)',
  'NODE_(?:OPTIONS|PATH|REPL_EXTERNAL_MODULE)', 'NPM_CONFIG_.*', 'PYTHON(?:HOME|PATH|STARTUP|INSPECT|USERBASE|BREAKPOINT|WARNINGS|PLATLIBDIR|EXECUTABLE)',
  'PERL(?:5?LIB|5?OPT|5DB)', 'RUBY(?:OPT|LIB)', 'GEM_(?:HOME|PATH)', 'BUNDLE_GEMFILE', 'JAVA_TOOL_OPTIONS', '_JAVA_OPTIONS', 'JDK_JAVA_OPTIONS', 'CLASSPATH',
  'PHPRC', 'PHP_INI_SCAN_DIR', 'LUA_(?:INIT|PATH|CPATH).*', 'DOTNET_STARTUP_HOOKS', 'CORECLR_.*', 'COR_(?:ENABLE_PROFILING|PROFILER.*)', 'ERL_.*FLAGS',
  'GIT_(?:SSH.*|CONFIG.*|EXEC_PATH|EXTERNAL_DIFF|EDITOR|SEQUENCE_EDITOR|PAGER|ASKPASS|PROXY_COMMAND|TEMPLATE_DIR)',
  'EDITOR', 'VISUAL', 'PAGER', 'MANPAGER', 'BROWSER', 'LESSOPEN', 'LESSCLOSE', 'SSH_ASKPASS', 'SUDO_ASKPASS', 'TERMINFO.*', 'HOME',
].join('|')})$`);

/** Where AWS SDKs would find other credentials first, or a part that does not belong to the new ones. */
const OTHER_AWS_CREDENTIALS = ['AWS_SESSION_TOKEN', 'AWS_SECURITY_TOKEN', 'AWS_CREDENTIAL_EXPIRATION', 'AWS_PROFILE', 'AWS_DEFAULT_PROFILE'];

/** What is left of an environment that is cleared: who and where one is, and how text is written. */
const KEPT = /^(?:PATH|HOME|USER|LOGNAME|SHELL|TERM|TZ|TMPDIR|LANG|LC_[A-Z]+|XDG_RUNTIME_DIR|NOTIFY_SOCKET|WATCHDOG_USEC)$/;

/**
 * The environment of a command: `base`, and over it `values`.
 * @param clear leave out of `base` all but the few variables that nearly every program needs
 * @throws VaultError field-format where a value has a name that programs obey
 */
export function commandVariables(base: Variables, values: ReadonlyMap<string, string>, clear = false): Record<string, string> {
  const refused = [...values.keys()].filter((name) => REFUSED.test(name));
  if (refused.length > 0) {
    throw new VaultError('field-format', `An item must not set ${refused.join(', ')} of a command: programs are told by it what to run.`, {
      hint: 'Name a field, rename the field, or give all of them a beginning with --prefix.', details: { variables: refused },
    });
  }
  // Tells the service manager's watchdog apart from other processes': it names this one.
  const dropped = new Set(['WATCHDOG_PID', ...(values.has('AWS_ACCESS_KEY_ID') ? OTHER_AWS_CREDENTIALS : [])]);
  const kept = Object.entries(base).filter((entry): entry is [string, string] => entry[1] !== undefined && !dropped.has(entry[0]) && (!clear || KEPT.test(entry[0])));
  return Object.fromEntries([...kept, ...values]);
}
