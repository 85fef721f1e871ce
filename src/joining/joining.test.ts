import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { isVaultError } from '../errors.ts';
import type { Json } from '../json/canonical.ts';
import { digestOf, utf8 } from '../sealing/encoding.ts';
import { identityFromSeed } from '../sealing/identity.ts';
import { sshPublicKey } from '../sealing/publicKey.ts';
import { admissionProblem, encodeAdmission, parseAdmission, signAdmission } from './admission.ts';
import { encodeInvitation, fitsNames, isNamePattern, parseInvitation, signInvitation } from './invitation.ts';
import { encodeRequest, isProvenRequest, parseRequest, requestId, signRequest } from './request.ts';
import { encodeToken, parseToken, tokenIdentity } from './token.ts';

const seed = (byte: number): Uint8Array => new Uint8Array(32).fill(byte);
const repository = digestOf(utf8('repository'));
const time = new Date('2026-01-02T03:04:05Z');
const id = '00112233445566778899aabbccddeeff';

describe('a token', () => {
  const line = encodeToken({ invitation: id, seed: seed(7), pin: { version: 3, digest: digestOf(utf8('roster')), repository } });

  it('is one upper-case line of 212 characters, and gives back what it carries', () => {
    assert.match(line, /^VAULT-JOIN-TOKEN-1[02-9AC-HJ-NP-Z]{194}$/);
    assert.deepEqual(parseToken(` ${line}\n`), { invitation: id, seed: seed(7), pin: { version: 3, digest: digestOf(utf8('roster')), repository } });
  });

  it('is refused where a character differs, and whatever else it is; errors do not quote it', () => {
    fc.assert(fc.property(fc.nat(line.length - 1), fc.constantFrom('Q', 'P', 'Z', '2', '7', 'L', 'b', '1', '-'), (at, character) => {
      if (line[at] === character) return;
      assert.throws(() => parseToken(line.slice(0, at) + character + line.slice(at + 1)), (error) => isVaultError(error, 'token-invalid') && !error.message.includes(line.slice(30, 60)));
    }));
    fc.assert(fc.property(fc.string(), (text) => { assert.throws(() => parseToken(text), (error) => isVaultError(error, 'token-invalid')); }));
  });
});

describe('statements about joining', () => {
  const admin = identityFromSeed(seed(1));
  const node = identityFromSeed(seed(2));
  const token = tokenIdentity({ seed: seed(3) });
  const roster = {
    format: 'iam-vault/1', type: 'roster', version: 1, quorum: 1, time: '2026-01-02T03:04:05Z', previous: null,
    admins: [{ name: 'alice', public_key: admin.publicKey.line, signing_key: admin.signingKey?.line ?? '' }],
  } as const;

  it('are the same when they were written and read', () => {
    const invitation = signInvitation({
      repository, id, public_key: token.signingKey?.line ?? '', attributes: { chef_environment: '_default', run_list: ['role[web]'], normal: { tags: ['a'], n: { x: [1, null, true] } } },
      names: 'web-*', approval: false, uses: 2, expires: new Date('2026-01-02T05:04:05.678Z'), time, signer: 'alice',
    }, admin);
    assert.deepEqual(parseInvitation(encodeInvitation(invitation), 'here'), invitation);
    const request = signRequest({ repository, invitation: id, name: 'web-1', time }, node, token);
    assert.deepEqual(parseRequest(encodeRequest(request), 'here'), request);
    assert.ok(isProvenRequest(request, invitation.invitation));
    assert.equal(requestId(request.request), requestId(signRequest({ repository, invitation: id, name: 'web-1', time: new Date(0) }, node, token).request));
    const documents = { node: utf8('node'), client: utf8('client') };
    const admission = signAdmission({ repository, name: 'web-1', fingerprint: node.publicKey.fingerprint, invitation: id, documents, time }, { name: 'alice', identity: admin });
    assert.deepEqual(parseAdmission(encodeAdmission(admission), 'here'), admission);
    const of = { repository, roster, name: 'web-1', documents };
    assert.equal(admissionProblem(admission, of), undefined);
    assert.equal(admissionProblem(admission, { ...of, name: 'web-2' }), 'other');
    assert.equal(admissionProblem(admission, { ...of, documents: { ...documents, client: utf8('other') } }), 'altered');
    assert.equal(admissionProblem({ ...admission, admission: { ...admission.admission, node_digest: digestOf(utf8('other')) } }, of), 'signature');
    assert.equal(admissionProblem({ ...admission, admission: { ...admission.admission, signer: 'bob' } }, of), 'signer');
  });

  it('an invitation that is nested without end is damaged, and is not made', () => {
    const nested = (levels: number): ReturnType<typeof signInvitation> => signInvitation({
      repository, id, public_key: token.signingKey?.line ?? '', names: '*', approval: false, uses: 1, expires: time, time, signer: 'alice',
      attributes: { chef_environment: 'e', run_list: [], normal: { x: JSON.parse('['.repeat(levels) + ']'.repeat(levels)) as Json } },
    }, admin);
    assert.ok(parseInvitation(encodeInvitation(nested(32)), 'here'));
    assert.throws(() => encodeInvitation(nested(33)), (error) => isVaultError(error, 'input-too-deep'));
    const hostile = new TextDecoder().decode(encodeInvitation(nested(1))).replace('[]}', `${'['.repeat(30_000)}${']'.repeat(30_000)}}`);
    assert.throws(() => parseInvitation(utf8(hostile), 'here'), (error) => isVaultError(error, 'document-invalid'));
    assert.throws(() => parseInvitation(utf8(hostile.replace('invitation', 'x')), 'here'), (error) => isVaultError(error, 'document-invalid'));
  });

  it('an age identity cannot ask, and one SSH key is both keys', () => {
    const request = signRequest({ repository, invitation: id, name: 'n', time }, node, token);
    const ssh = sshPublicKey(admin.signingKey?.ed25519 ?? seed(0)).line;
    const invited = { public_key: token.signingKey?.line ?? '' } as Parameters<typeof isProvenRequest>[1];
    assert.equal(isProvenRequest({ ...request, request: { ...request.request, public_key: ssh } }, invited), false);
    assert.throws(() => signRequest({ repository, invitation: id, name: 'n', time }, { ...node, signingKey: undefined }, token), (error) => isVaultError(error, 'key-invalid'));
  });
});

it('a pattern of names has one star at most, and fits whole names', () => {
  for (const [pattern, name, fits] of [['*', 'a', true], ['web-*', 'web-', true], ['web-*', 'web', false], ['a*a', 'a', false], ['a*a', 'aa', true], ['web', 'web', true], ['web', 'webs', false], ['*.org', 'x.org', true]] as const) {
    assert.equal(fitsNames(pattern, name), fits, `${pattern} ${name}`);
  }
  assert.deepEqual(['', 'a*b*', 'a/b', 'a b', 'web-*', '*'].filter(isNamePattern), ['web-*', '*']);
});
