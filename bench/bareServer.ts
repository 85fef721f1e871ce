import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** What Node can do at best: a server that answers every request with the same few bytes, and looks at nothing. */
export async function bareServer(node: string, folder: string): Promise<{ readonly url: string; stop(): void }> {
  const script = join(folder, 'bareServer.mjs');
  writeFileSync(script, `
    import { createServer } from 'node:http';
    const body = JSON.stringify({ AccessKeyId: 'AKIAIOSFODNN7EXAMPLE', SecretAccessKey: 'x'.repeat(40), Expiration: new Date().toISOString() });
    const server = createServer((request, response) => { response.writeHead(200, { 'content-type': 'application/json', 'content-length': body.length }).end(body); });
    server.listen(0, '127.0.0.1', () => console.log(server.address().port));
  `);
  const child = spawn(node, [script], { stdio: ['ignore', 'pipe', 'inherit'] });
  const [port] = (await once(child.stdout, 'data')) as [Buffer];
  return { url: `http://127.0.0.1:${port.toString().trim()}/`, stop: () => { child.kill(); } };
}
