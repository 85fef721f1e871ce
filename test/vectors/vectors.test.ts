import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, test } from 'node:test';
import type { ErrorCode } from '../../src/errors.ts';
import { isVaultError, VaultError } from '../../src/errors.ts';
import { openGroup } from '../../src/items/group.ts';
import { openItem, parseItemDocuments, verifyItem, type OpenItem, type VerifiedItem } from '../../src/items/verify.ts';
import type { Json } from '../../src/json/canonical.ts';
import { encodeSeed, identityFromSeed, parseIdentity, type Identity } from '../../src/sealing/identity.ts';
import { parsePublicKey, parseSigningKey } from '../../src/sealing/publicKey.ts';
import type { Roster } from '../../src/trust/roster.ts';
import { walkRoster } from '../../src/trust/walk.ts';
import type { KeyVectors, OpenVector, ProtectedVector, VectorFile } from './vector.ts';

function read(name: string): unknown {
  const file = JSON.parse(readFileSync(new URL(name, import.meta.url), 'utf8')) as VectorFile<unknown>;
  assert.equal(file.format, 'iam-vault/1');
  return file.vectors;
}

const encode = (text: string): Uint8Array => new TextEncoder().encode(text);
const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');

/** The order of verification, as docs/format.md has it. */
async function open(vector: OpenVector): Promise<Json> {
  const { item, keys } = vector.documents;
  const parsed = parseItemDocuments(vector, { item: encode(item), keys: encode(keys) });
  const readRoster = (version: number): Promise<Uint8Array | undefined> => {
    const text = vector.rosters[String(version)];
    return Promise.resolve(text === undefined ? undefined : encode(text));
  };
  const { roster, digests } = await walkRoster(readRoster, vector.pin ?? undefined);
  const verified = verifyItem(parsed, { roster, repository: vector.pin?.repository ?? digests[0], seenGeneration: vector.seen_generation });
  const identity = await parseIdentity(vector.identity.text, 'identity');
  const opened = verified.keys.audience === undefined ? openItem(verified, identity, vector.reader ?? undefined) : openAsMember(vector, verified, identity, roster);
  return vector.field === null ? opened.all() : opened.field(vector.field);
}

function openAsMember({ vault, audience, reader }: OpenVector, sealed: VerifiedItem, identity: Identity, roster: Roster): OpenItem {
  if (audience === undefined) throw new VaultError('item-missing', 'no audience');
  const parsed = parseItemDocuments({ vault, item: audience.name }, { item: encode(audience.item), keys: encode(audience.keys) });
  return openGroup(verifyItem(parsed, { roster, repository: sealed.header.repository, seenGeneration: 0 }), identity, reader ?? undefined).openItem(sealed);
}

const audiences = read('audiences.json') as OpenVector[];
const openVectors = read('open.json') as OpenVector[];
const broken = read('broken.json') as OpenVector[];
const refreshers = read('refreshers.json') as OpenVector[];

for (const [file, vectors] of [['open.json', openVectors], ['broken.json', broken], ['audiences.json', audiences], ['refreshers.json', refreshers]] as const) {
  describe(file, () => {
    for (const vector of vectors) {
      test(`${vector.name}: ${vector.description}`, async () => {
        const { expect } = vector;
        if ('value' in expect) assert.deepEqual(await open(vector), expect.value);
        else await assert.rejects(open(vector), { code: expect.error });
      });
    }
  });
}

test('the vectors have names of their own, and every code of the opening order', () => {
  const all = [...openVectors, ...broken, ...audiences];
  assert.equal(new Set(all.map(({ name }) => name)).size, all.length);
  assert.ok(openVectors.every(({ expect }) => 'value' in expect));
  const codes: ErrorCode[] = [
    'document-invalid', 'document-not-canonical', 'format-unsupported', 'roster-missing', 'roster-broken', 'roster-rollback', 'roster-pin-mismatch',
    'repository-mismatch', 'signer-unknown', 'signature-invalid', 'item-digest-mismatch', 'generation-rollback', 'recipients-digest-mismatch',
    'not-a-recipient', 'recipient-key-changed', 'sealed-key-unopenable', 'sealed-key-context', 'commitment-mismatch', 'field-not-found', 'field-unopenable',
  ];
  assert.deepEqual([...new Set(broken.map(({ expect }) => ('error' in expect ? expect.error : 'opens')))].sort(), codes.sort());
});

test('identities of the vectors hold the secrets that they say', async () => {
  for (const { identity, name } of openVectors) {
    const secret = Uint8Array.from(Buffer.from(identity.secret, 'hex'));
    if (identity.type === 'vault') assert.equal(`${encodeSeed(secret)}\n`, identity.text, name);
    assert.equal((await parseIdentity(identity.text, name)).publicKey.type, identity.type);
  }
});

describe('keys.json', () => {
  const { seeds, sealing, bad } = read('keys.json') as KeyVectors;

  for (const vector of seeds) {
    test(`seed ${vector.seed}`, async () => {
      const seed = Uint8Array.from(Buffer.from(vector.seed, 'hex'));
      assert.equal(encodeSeed(seed), vector.secret_line);
      for (const { publicKey, signingKey } of [identityFromSeed(seed), await parseIdentity(`# comment\r\n\n ${vector.secret_line} \r\n`, 'identity')]) {
        assert.equal(publicKey.line, vector.sealing_line);
        assert.equal(hex(publicKey.x25519), vector.x25519);
        assert.equal(publicKey.fingerprint, vector.fingerprint);
        assert.ok(signingKey !== undefined);
        assert.deepEqual([signingKey.line, hex(signingKey.ed25519), signingKey.fingerprint], [vector.signing_line, vector.ed25519, vector.signing_fingerprint]);
      }
      assert.equal(hex(parsePublicKey(vector.sealing_line).x25519), vector.x25519);
      assert.equal(hex(parseSigningKey(vector.signing_line).ed25519), vector.ed25519);
    });
  }

  for (const vector of sealing) {
    test(`accepted: ${vector.name}`, () => {
      const { line, type, x25519, fingerprint } = parsePublicKey(vector.line);
      assert.deepEqual({ line, type, x25519: hex(x25519), fingerprint },
        { line: vector.canonical, type: vector.type, x25519: vector.x25519, fingerprint: vector.fingerprint });
    });
  }

  for (const { name, kind, line, error } of bad) {
    test(`refused as ${kind}: ${name}`, async () => {
      const parse = async (): Promise<unknown> =>
        kind === 'sealing' ? parsePublicKey(line) : kind === 'signing' ? parseSigningKey(line) : await parseIdentity(line, 'identity');
      await assert.rejects(parse(), (thrown) => isVaultError(thrown, error));
    });
  }
});

describe('protected.json', () => {
  for (const { name, line, passphrase, expect } of read('protected.json') as ProtectedVector[]) {
    test(name, async () => {
      const given = encode(passphrase);
      const parse = (): Promise<Identity> => parseIdentity(line, 'identity', () => Promise.resolve(given));
      if ('error' in expect) {
        await assert.rejects(parse(), { code: expect.error });
      } else {
        assert.equal((await parse()).publicKey.line, expect.sealing_line);
        assert.ok(given.every((byte) => byte === 0), 'the passphrase is wiped');
      }
    });
  }
});
