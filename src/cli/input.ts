import { VaultError } from '../errors.ts';

/** Standard input to its end. @throws VaultError input-too-large */
export async function readInput(maxBytes: number): Promise<Uint8Array> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of process.stdin as AsyncIterable<Buffer>) {
    chunks.push(chunk);
    size += chunk.byteLength;
    if (size > maxBytes) throw new VaultError('input-too-large', `Standard input has more than ${String(maxBytes)} bytes.`, { details: { source: 'standard input', maxBytes } });
  }
  return Buffer.concat(chunks);
}
