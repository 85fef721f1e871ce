import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { ApiError } from './apiError.ts';
import { element, encodeError, encodeReply, list, parseQueryRequest } from './protocol.ts';

const IAM = 'Version=2010-05-08';

function codeOf(body: string): string {
  try {
    parseQueryRequest(body);
    return 'ok';
  } catch (error) {
    assert.ok(error instanceof ApiError);
    return error.code;
  }
}

describe('parseQueryRequest', () => {
  it('puts lists together again', () => {
    const body = `Action=TagUser&${IAM}&UserName=a%2Bb+c&Tags.member.2.Key=y&Tags.member.1.Key=x&Tags.member.1.Value=&TagKeys.member.1=k`;
    const { service, action, parameters } = parseQueryRequest(body);
    assert.deepEqual([service, action], ['iam', 'TagUser']);
    assert.deepEqual({ ...parameters }, { UserName: 'a+b c', Tags: [{ Key: 'x', Value: '' }, { Key: 'y' }], TagKeys: ['k'] });
  });

  it('refuses what is ambiguous or malformed, with its code', () => {
    const table: readonly (readonly [string, string])[] = [
      [IAM, 'MissingAction'],
      ['Action=GetUser', 'InvalidAction'],
      ['Action=GetUser&Version=2020-01-01', 'InvalidAction'],
      [`Action=GetUser&${IAM}&UserName=a&UserName=b`, 'MalformedQueryString'],
      [`Action=GetUser&Action=DeleteUser&${IAM}`, 'MalformedQueryString'],
      [`Action=GetUser&${IAM}&UserName=%zz`, 'MalformedQueryString'],
      [`Action=GetUser&${IAM}&UserName=%ff`, 'MalformedQueryString'],
      [`Action=GetUser&${IAM}&__proto__=x`, 'MalformedQueryString'],
      [`Action=TagUser&${IAM}&Tags.member.2.Key=x`, 'MalformedQueryString'],
      [`Action=TagUser&${IAM}&Tags.member.0.Key=x`, 'MalformedQueryString'],
      [`Action=TagUser&${IAM}&Tags.member.1=x&Tags.member.1.Key=x`, 'MalformedQueryString'],
      [`Action=TagUser&${IAM}&Tags.member.1.Key=x&Tags.member.1=x`, 'MalformedQueryString'],
      [`Action=TagUser&${IAM}&Tags=&Tags.member.1.Key=x`, 'MalformedQueryString'],
      [`Action=TagUser&${IAM}&${Array.from({ length: 300 }, (_, index) => `TagKeys.member.${String(index + 1)}=x`).join('&')}`, 'MalformedQueryString'],
    ];
    for (const [body, code] of table) assert.equal(codeOf(body), code, body.slice(0, 80));
  });

  it('throws nothing but ApiError, whatever the body', () => {
    fc.assert(fc.property(fc.string(), (body) => void codeOf(`Action=GetUser&${IAM}&${body}`)));
  });
});

describe('XML', () => {
  const request = parseQueryRequest(`Action=ListUsers&${IAM}`);

  it('is escaped, and holds nothing that XML cannot', () => {
    const xml = encodeReply(request, [element('A', '<&>"\r\u0000\uD800ü')], 'id');
    assert.ok(xml.includes('<A>&lt;&amp;&gt;&quot;&#xD;\uFFFD\uFFFDü</A>'), xml);
  });

  it('has a result only where there is one', () => {
    assert.ok(encodeReply(request, [list('Users', [])], 'id').includes('<ListUsersResult><Users></Users></ListUsersResult>'));
    assert.ok(!encodeReply(request, undefined, 'id').includes('Result>'));
  });

  it('tells errors of the sender from those of the receiver', () => {
    assert.ok(encodeError(new ApiError('NoSuchEntity', 'm'), 'iam', 'id').includes('<Type>Sender</Type><Code>NoSuchEntity</Code>'));
    assert.ok(encodeError(new ApiError('ServiceFailure', 'm'), 'sts', 'id').includes('<Type>Receiver</Type>'));
  });
});
