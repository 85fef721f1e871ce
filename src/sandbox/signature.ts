import { createHash, createHmac, timingSafeEqual } from 'node:crypto';
import { ApiError } from './apiError.ts';

/** A request as it came over the wire. */
export interface SignedRequest {
  readonly method: string;
  /** Path and query. */
  readonly path: string;
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/** What the Authorization header claims; nothing of it is verified yet. */
export interface SignatureClaim {
  readonly accessKeyId: string;
  /** YYYYMMDD */
  readonly date: string;
  readonly region: string;
  readonly service: string;
  readonly signedHeaders: readonly string[];
  /** 64 hexadecimal digits. */
  readonly signature: string;
}

/** How far a request's clock may be off. */
const MAX_SKEW_MS = 15 * 60 * 1000;

const AUTHORIZATION =
  /^AWS4-HMAC-SHA256 Credential=([A-Za-z0-9]{1,128})\/([0-9]{8})\/([a-z0-9-]{1,64})\/([a-z0-9-]{1,64})\/aws4_request, ?SignedHeaders=([a-z0-9;-]{1,2048}), ?Signature=([0-9a-f]{64})$/;

/**
 * Reads the Authorization header.
 * @throws ApiError MissingAuthenticationToken, IncompleteSignature
 */
export function parseSignature(headers: SignedRequest['headers']): SignatureClaim {
  const header = headers['authorization'];
  if (header === undefined) throw new ApiError('MissingAuthenticationToken', 'Request is missing Authentication Token');
  const [, accessKeyId, date, region, service, signedHeaders, signature] = AUTHORIZATION.exec(header) ?? [];
  if (!accessKeyId || !date || !region || !service || !signedHeaders || !signature) {
    throw new ApiError('IncompleteSignature', 'The Authorization header is not a complete AWS4-HMAC-SHA256 signature.');
  }
  return { accessKeyId, date, region, service, signedHeaders: signedHeaders.split(';'), signature };
}

/**
 * Verifies Signature Version 4; returns nothing where it is right.
 * @see https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html
 * @param now milliseconds since 1970
 * @throws ApiError SignatureDoesNotMatch, IncompleteSignature
 */
export function verifySignature(request: SignedRequest, claim: SignatureClaim, secret: string, now: number): void {
  const time = request.headers['x-amz-date'];
  const signedAt = time === undefined ? undefined : parseTime(time);
  if (time === undefined || signedAt === undefined) throw new ApiError('IncompleteSignature', 'X-Amz-Date is missing or malformed.');
  for (const required of ['host', ...Object.keys(request.headers).filter((name) => name.startsWith('x-amz-'))]) {
    if (!claim.signedHeaders.includes(required)) throw new ApiError('SignatureDoesNotMatch', `The header ${required} must be signed.`);
  }
  if (!time.startsWith(claim.date)) {
    throw new ApiError('SignatureDoesNotMatch', 'Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP');
  }
  if (Math.abs(now - signedAt) > MAX_SKEW_MS) {
    throw new ApiError('SignatureDoesNotMatch', `Signature ${now > signedAt ? 'expired' : 'not yet current'}: ${time}`);
  }
  const expected = signatureOf(request, claim, secret, time);
  if (!timingSafeEqual(Buffer.from(expected, 'hex'), Buffer.from(claim.signature, 'hex'))) {
    throw new ApiError('SignatureDoesNotMatch', 'The request signature we calculated does not match the signature you provided.');
  }
}

function parseTime(time: string): number | undefined {
  const match = /^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/.exec(time);
  if (match === null) return undefined;
  const [, year, month, day, hour, minute, second] = match.map(Number);
  return Date.UTC(year ?? 0, (month ?? 1) - 1, day, hour, minute, second);
}

function signatureOf(request: SignedRequest, claim: SignatureClaim, secret: string, time: string): string {
  const scope = `${claim.date}/${claim.region}/${claim.service}/aws4_request`;
  const toSign = ['AWS4-HMAC-SHA256', time, scope, sha256(canonicalRequest(request, claim.signedHeaders))].join('\n');
  let key: Buffer = hmac(`AWS4${secret}`, claim.date);
  for (const part of [claim.region, claim.service, 'aws4_request']) key = hmac(key, part);
  return hmac(key, toSign).toString('hex');
}

/** Exported for the test of AWS's published example. */
export function canonicalRequest(request: SignedRequest, signedHeaders: readonly string[]): string {
  const [path = '/', query = ''] = request.path.split('?', 2);
  const headers = signedHeaders.map((name) => `${name}:${(request.headers[name] ?? '').trim().replace(/ +/g, ' ')}\n`);
  return [request.method, encodePath(path), canonicalQuery(query), headers.join(''), signedHeaders.join(';'), sha256(request.body)].join('\n');
}

/** The path as it came, encoded once more: every service but S3 does that. */
function encodePath(path: string): string {
  return path.split('/').map(percentEncode).join('/');
}

function canonicalQuery(query: string): string {
  if (query === '') return '';
  const pairs = query.split('&').map((pair) => {
    const [name = '', value = ''] = pair.split('=', 2);
    return [percentEncode(decode(name)), percentEncode(decode(value))].join('=');
  });
  return pairs.sort((left, right) => (left < right ? -1 : 1)).join('&');
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    throw new ApiError('MalformedQueryString', 'The query is not correctly percent-encoded.');
  }
}

/** Everything but RFC 3986's unreserved characters as %XX. */
export function percentEncode(text: string): string {
  return encodeURIComponent(text).replace(/[!'()*]/g, (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`);
}

function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}

function hmac(key: string | Buffer, text: string): Buffer {
  return createHmac('sha256', key).update(text).digest();
}
