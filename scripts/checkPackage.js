// What would be published: the list of files, and that an installed package runs and can be imported.
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

process.chdir(dirname(dirname(fileURLToPath(import.meta.url))));
const run = (command, args, options = {}) => execFileSync(command, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'], ...options });
const fail = (text) => {
  console.error(`package: ${text}`);
  process.exitCode = 1;
};

execFileSync(process.execPath, ['scripts/build.js'], { stdio: 'inherit' });
const folder = mkdtempSync(join(tmpdir(), 'iam-vault-package-'));
try {
  const [packed] = JSON.parse(run('npm', ['pack', '--json', '--pack-destination', folder]));
  const files = packed.files.map(({ path }) => path);
  const allowed = [/^(LICENSE|README\.md|package\.json|oclif\.manifest\.json)$/, /^bin\/run\.js$/, /^dist\//, /^docs\/(format\.md|schemas\/[\w-]+\.schema\.json)$/];
  for (const file of files) if (!allowed.some((pattern) => pattern.test(file))) fail(`${file} must not be published`);
  for (const file of files) if (/\.(test|testing)\.|\.map$|\.tsbuildinfo$/.test(file)) fail(`${file} is for development alone`);
  for (const file of ['LICENSE', 'README.md', 'bin/run.js', 'dist/index.js', 'dist/types/index.d.ts', 'dist/aws.js', 'dist/types/aws.d.ts', 'dist/THIRD-PARTY-LICENSES.txt', 'oclif.manifest.json', 'docs/format.md']) {
    if (!files.includes(file)) fail(`${file} is missing`);
  }
  if (packed.unpackedSize > 6 << 20) fail(`it unpacks to ${packed.unpackedSize} bytes`);

  const { version } = JSON.parse(readFileSync('package.json', 'utf8'));
  writeFileSync(join(folder, 'package.json'), '{"private":true,"type":"module"}\n');
  run('npm', ['install', '--no-audit', '--no-fund', '--loglevel=error', '--prefer-offline', join(folder, packed.filename)], { cwd: folder });
  for (const name of ['vault', 'iam-vault']) {
    const printed = run(join(folder, 'node_modules/.bin', name), ['--version'], { cwd: folder });
    if (!printed.includes(version)) fail(`${name} --version printed ${printed}`);
  }
  const probe = "const { openVault, VaultError } = await import('iam-vault'); try { await openVault({ repository: '/nonexistent' }); } catch (e) { if (e instanceof VaultError) console.log(e.code); }";
  const code = run(process.execPath, ['--input-type=module', '--eval', probe], { cwd: folder }).trim();
  if (code !== 'repository-missing') fail(`the library answered ${code}`);
  // The declarations must stand on their own: only this package's are looked at.
  writeFileSync(join(folder, 'use.ts'), "import { openVault, type Json } from 'iam-vault';\nexport const data: Promise<Json> = openVault().then((vault) => vault.item('vault', 'item').field('data'));\n"
    + "import { fromVault, type ExpiringCredentials } from 'iam-vault/aws';\nexport const provider: () => Promise<ExpiringCredentials> = fromVault({ vault: 'vault', item: 'item' });\n");
  writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify({
    compilerOptions: { noEmit: true, strict: true, skipLibCheck: false, module: 'nodenext', target: 'es2022', types: [] }, files: ['use.ts'],
  }));
  execFileSync(process.execPath, ['node_modules/typescript/bin/tsc', '--project', folder], { stdio: 'inherit' });
  console.log(`package: ${files.length} files, ${(packed.size / 1024).toFixed(0)} KiB packed, ${(packed.unpackedSize / 1024).toFixed(0)} KiB unpacked`);
} finally {
  rmSync(folder, { recursive: true, force: true });
}
