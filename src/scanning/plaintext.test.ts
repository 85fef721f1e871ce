import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import { describe, test } from 'node:test';
import { bech32 } from '@scure/base';
import { encodeSeed } from '../sealing/identity.ts';
import { opensshPrivateKey, seedOf } from '../sealing/opensshKey.testing.ts';
import { loadScanner } from './plaintext.ts';

const findPlaintext = await loadScanner();
const ID = 'AKIAQRSTUVWXYZ234567';
const SECRET = 'abcDEFghij0123456789/bcDEFghij+123456789';
const rsa = generateKeyPairSync('rsa', { modulusLength: 2048, publicKeyEncoding: { type: 'spki', format: 'pem' }, privateKeyEncoding: { type: 'pkcs8', format: 'pem' } }).privateKey;

const FOUND: Readonly<Record<string, readonly [text: string, ...rules: string[]]>> = {
  'an access key as AWS prints it': [JSON.stringify({ AccessKey: { AccessKeyId: ID, SecretAccessKey: SECRET } }), 'aws/AWSAccessKeyID', 'aws/AWSSecretAccessKey'],
  'a credentials file': [`[default]\naws_access_key_id = ${ID}\naws_secret_access_key = ${SECRET}\n`, 'aws/AWSAccessKeyID', 'aws/AWSSecretAccessKey'],
  'a script': [`export AWS_SECRET_ACCESS_KEY=${SECRET}\n`, 'aws/AWSSecretAccessKey'],
  'what an item of ours holds': [JSON.stringify({ aws_access_key_id: ID, aws_secret_access_key: SECRET }, undefined, 2), 'aws/AWSAccessKeyID', 'aws/AWSSecretAccessKey'],
  'the id of an access key in a node object': [JSON.stringify({ name: 'web01', normal: { backup: { key: ID } } }), 'aws/AWSAccessKeyID'],
  'the id of a temporary key': [ID.replace('AKIA', 'ASIA'), 'aws/AWSAccessKeyID'],
  'an RSA key': [rsa, 'privatekey/PrivateKey'],
  'an RSA key in JSON': [JSON.stringify({ key: rsa }), 'privatekey/PrivateKey'],
  'an OpenSSH key': [opensshPrivateKey(seedOf(3), 'somebody'), 'privatekey/PrivateKey'],
  'an identity of ours': [`# an identity\n${encodeSeed(seedOf(5))}\n`, 'iam-vault/IdentityKey'],
  'an identity of age': [bech32.encode('age-secret-key-', bech32.toWords(seedOf(5)), false).toUpperCase(), 'iam-vault/IdentityKey'],
};

const NOT_FOUND: Readonly<Record<string, string>> = {
  "AWS's own examples": 'aws_access_key_id=AKIAIOSFODNN7EXAMPLE\naws_secret_access_key=wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY\n',
  'the number of an account': '{"ec2": {"account_id": "123456789012"}}',
  'the id of a role in a condition': '{"aws:userId": "AROAQRSTUVWXYZ234567:*"}',
  'a digest': 'sha256-abcDEFghij0123456789abcDEFghij0123456789abc=',
  'a placeholder': 'VAULT-SECRET-KEY-1…, AGE-SECRET-KEY-1EXAMPLE, -----BEGIN OPENSSH PRIVATE KEY-----',
  'a public key': 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAbcDEFghij0123456789abcDEFghij0123456789abcD',
};

describe('plaintext credentials', () => {
  for (const [what, [text, ...rules]] of Object.entries(FOUND)) {
    test(`are found: ${what}`, async () => {
      assert.deepEqual((await findPlaintext(text)).map(({ rule }) => rule).sort(), rules);
    });
  }
  for (const [what, text] of Object.entries(NOT_FOUND)) {
    test(`are not: ${what}`, async () => {
      assert.deepEqual(await findPlaintext(text), []);
    });
  }

  test('are told by their line', async () => {
    assert.deepEqual(await findPlaintext(`one\ntwo ${ID}\r\nthree\n`), [{ line: 2, rule: 'aws/AWSAccessKeyID' }]);
  });

  test('do not take long to look for, whatever the text', async () => {
    const hostile = ['-----BEGIN PRIVATE KEY-----\n'.repeat(30_000), `-----BEGIN RSA PRIVATE KEY-----${'A'.repeat(1 << 20)}`, 'aws_'.repeat(1 << 18), `secret_access_key${' '.repeat(1 << 20)}`, '"\''.repeat(1 << 19), '='.repeat(1 << 20), `${ID}\n`.repeat(50_000)];
    const start = performance.now();
    for (const text of hostile) await findPlaintext(text);
    assert.ok(performance.now() - start < 20_000);
  });
});
