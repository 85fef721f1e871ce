import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { describe, it } from 'node:test';
import { GetUserCommand, IAMClient } from '@aws-sdk/client-iam';
import { ApiError } from './apiError.ts';
import { canonicalRequest, parseSignature, verifySignature, type SignedRequest } from './signature.ts';

const SECRET = 'wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY';
const SIGNED_AT = Date.UTC(2015, 7, 30, 12, 36);

/** The example of AWS's General Reference, "Signature Version 4 signing process". */
const EXAMPLE: SignedRequest = {
  method: 'GET',
  path: '/?Action=ListUsers&Version=2010-05-08',
  headers: {
    host: 'iam.amazonaws.com',
    'content-type': 'application/x-www-form-urlencoded; charset=utf-8',
    'x-amz-date': '20150830T123600Z',
    authorization:
      'AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/iam/aws4_request, SignedHeaders=content-type;host;x-amz-date, ' +
      'Signature=5d672d79c15b13162d9279b0855cfba6789a8edb4c82c400e06b5924a6f2b5d7',
  },
  body: '',
};

function outcome(request: SignedRequest, secret = SECRET, now = SIGNED_AT): string {
  try {
    verifySignature(request, parseSignature(request.headers), secret, now);
    return 'ok';
  } catch (error) {
    assert.ok(error instanceof ApiError);
    return error.code;
  }
}

function withHeaders(headers: Readonly<Record<string, string>>): SignedRequest {
  return { ...EXAMPLE, headers: { ...EXAMPLE.headers, ...headers } };
}

/** What the real SDK would send, with its own signature. */
async function signedBySdk(secretAccessKey: string): Promise<SignedRequest> {
  const sent: SignedRequest[] = [];
  const client = new IAMClient({
    endpoint: 'http://127.0.0.1:4566',
    region: 'us-east-1',
    maxAttempts: 1,
    credentials: { accessKeyId: 'AKIDEXAMPLE', secretAccessKey },
    requestHandler: {
      handle: (request: { method: string; path: string; headers: Record<string, string>; body?: unknown }) => {
        const headers = Object.entries(request.headers).map(([name, value]) => [name.toLowerCase(), value] as const);
        sent.push({ method: request.method, path: request.path, headers: Object.fromEntries(headers), body: String(request.body) });
        return Promise.reject(new Error('not sent'));
      },
    },
  });
  await assert.rejects(client.send(new GetUserCommand({ UserName: 'a+b=c@d' })));
  const [request] = sent;
  assert.ok(request);
  return request;
}

describe('verifySignature', () => {
  it("agrees with AWS's published example, step by step", () => {
    const canonical = canonicalRequest(EXAMPLE, ['content-type', 'host', 'x-amz-date']);
    assert.equal(
      createHash('sha256').update(canonical).digest('hex'),
      'f536975d06c0309214f805bb90ccff089219ecd68b2577efef23edd43b7e1a59',
    );
    assert.equal(outcome(EXAMPLE), 'ok');
  });

  it("accepts the SDK's signature, and refuses it for another secret, body, header or path", async () => {
    const request = await signedBySdk(SECRET);
    const now = Date.now();
    assert.equal(outcome(request, SECRET, now), 'ok');
    assert.equal(outcome(request, 'another', now), 'SignatureDoesNotMatch');
    assert.equal(outcome({ ...request, body: `${request.body}&X=1` }, SECRET, now), 'SignatureDoesNotMatch');
    assert.equal(outcome({ ...request, path: '/other' }, SECRET, now), 'SignatureDoesNotMatch');
    assert.equal(outcome({ ...request, headers: { ...request.headers, host: 'localhost' } }, SECRET, now), 'SignatureDoesNotMatch');
  });

  it('refuses a clock that is more than 15 minutes off, either way', () => {
    const quarter = 15 * 60 * 1000;
    assert.equal(outcome(EXAMPLE, SECRET, SIGNED_AT + quarter), 'ok');
    assert.equal(outcome(EXAMPLE, SECRET, SIGNED_AT + quarter + 1), 'SignatureDoesNotMatch');
    assert.equal(outcome(EXAMPLE, SECRET, SIGNED_AT - quarter - 1), 'SignatureDoesNotMatch');
  });

  it('refuses a header that must be signed and is not', () => {
    assert.equal(outcome(withHeaders({ 'x-amz-security-token': 'token' })), 'SignatureDoesNotMatch');
  });

  it('refuses a signature that is not complete', () => {
    const authorization = EXAMPLE.headers['authorization'] ?? '';
    assert.equal(outcome({ ...EXAMPLE, headers: {} }), 'MissingAuthenticationToken');
    assert.equal(outcome(withHeaders({ authorization: 'Basic YTpi' })), 'IncompleteSignature');
    assert.equal(outcome(withHeaders({ authorization: authorization.slice(0, -1) })), 'IncompleteSignature');
    assert.equal(outcome(withHeaders({ 'x-amz-date': 'yesterday' })), 'IncompleteSignature');
    assert.equal(outcome(withHeaders({ authorization: authorization.replace('20150830/', '20150831/') })), 'SignatureDoesNotMatch');
  });
});
