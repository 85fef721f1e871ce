import * as z from 'zod/mini';

const headSchema = z.object({ header: z.object({ generation: z.number(), item_digest: z.string() }) });

/** The two members of the header that a store goes by. */
export type KeysHead = z.output<typeof headSchema>['header'];

/** Reads them from ITEM_keys.json, unverified. Undefined where the document is damaged: verification tells how. */
export function keysHead(keys: Uint8Array): KeysHead | undefined {
  return parseHead(headerText(keys)) ?? parseHead(new TextDecoder().decode(keys));
}

/** The header stands behind the recipients, of whom there may be ten thousand. */
function headerText(keys: Uint8Array): string {
  const bytes = Buffer.from(keys.buffer, keys.byteOffset, keys.byteLength);
  const start = bytes.lastIndexOf('\n  "header": {\n');
  return start < 0 ? '' : `{${bytes.toString('utf8', start)}`;
}

function parseHead(text: string): KeysHead | undefined {
  try {
    return headSchema.parse(JSON.parse(text)).header;
  } catch {
    return undefined;
  }
}
