#!/usr/bin/env node
// The SDK's advice about Node versions is for its users, not for ours.
process.env.AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED = 'true';
keepCompiledCode();
const { main } = await import('../dist/vault.js');
await main(process.argv.slice(2), import.meta.url);

/**
 * Node 22.8 and later keep compiled code between runs. Where anybody but this user could have put it there, it would be a way
 * to run code as this user: so not in the temporary directory, which is Node's own choice, but in the user's cache.
 */
function keepCompiledCode() {
  const { XDG_CACHE_HOME, HOME } = process.env;
  const base = XDG_CACHE_HOME || HOME;
  if (!base) return;
  try {
    const { uid, mode } = process.getBuiltinModule('fs').statSync(base);
    if (uid !== process.geteuid() || (mode & 0o022) !== 0) return;
    process.getBuiltinModule('module').enableCompileCache?.(`${XDG_CACHE_HOME || `${HOME}/.cache`}/iam-vault/compiled`);
  } catch {
    // A start without it is slower, and that is all.
  }
}
