import type { z } from 'zod';
import { ApiError } from './apiError.ts';

export type Service = 'iam' | 'sts';

/** The protocol version that a request must name, and the namespace of its reply. */
const API: Record<Service, { readonly version: string; readonly namespace: string }> = {
  iam: { version: '2010-05-08', namespace: 'https://iam.amazonaws.com/doc/2010-05-08/' },
  sts: { version: '2011-06-15', namespace: 'https://sts.amazonaws.com/doc/2011-06-15/' },
};

/** The value of a parameter: a text, a list (`X.member.N`), or a structure in a list (`X.member.N.Key`). */
export type FormValue = string | FormValue[] | { [name: string]: string };

/** A request in AWS's Query protocol, its lists put together again. */
export interface QueryRequest {
  readonly service: Service;
  readonly action: string;
  readonly parameters: Readonly<Record<string, FormValue>>;
}

const NAME = /^([A-Za-z]{1,64})(?:\.member\.([1-9][0-9]{0,3})(?:\.([A-Za-z]{1,64}))?)?$/;

/** More parameters than any action can need: 50 tags with two members each, and room. */
const MAX_PARAMETERS = 250;

/**
 * Parses a form-encoded body. A parameter that stands twice, a gap in a list and a malformed escape are refused.
 * @see https://smithy.io/2.0/aws/protocols/aws-query-protocol.html
 * @throws ApiError MalformedQueryString, MissingAction, InvalidAction
 */
export function parseQueryRequest(body: string): QueryRequest {
  const form = parseForm(body);
  const action = form.get('Action');
  const version = form.get('Version');
  if (action === undefined || action === '') throw new ApiError('MissingAction', 'Missing Action');
  const service = (Object.keys(API) as Service[]).find((candidate) => API[candidate].version === version);
  if (service === undefined) {
    throw new ApiError('InvalidAction', `Could not find operation ${action} for version ${version ?? 'NO_VERSION_SPECIFIED'}`);
  }
  form.delete('Action');
  form.delete('Version');
  return { service, action, parameters: nest(form) };
}

/**
 * Checks the parameters of an action against its schema; every failure is named at once.
 * @throws ApiError ValidationError
 */
export function readParameters<T extends z.ZodType>(request: QueryRequest, schema: T): z.infer<T> {
  const read = schema.safeParse(request.parameters);
  if (read.success) return read.data;
  const found = read.error.issues.map((issue) => `Value at '${issue.path.join('.')}' failed to satisfy constraint: ${issue.message}`);
  const count = `${String(found.length)} validation error${found.length === 1 ? '' : 's'} detected`;
  throw new ApiError('ValidationError', `${count}: ${found.join('; ')}`);
}

function parseForm(body: string): Map<string, string> {
  const form = new Map<string, string>();
  for (const part of body.split('&')) {
    if (part === '') continue;
    const equals = part.indexOf('=');
    const name = unescape(equals === -1 ? part : part.slice(0, equals));
    const value = equals === -1 ? '' : unescape(part.slice(equals + 1));
    if (form.has(name)) throw new ApiError('MalformedQueryString', `The parameter ${name} is given more than once.`);
    form.set(name, value);
    if (form.size > MAX_PARAMETERS) throw new ApiError('MalformedQueryString', 'Too many parameters.');
  }
  return form;
}

function unescape(text: string): string {
  try {
    return decodeURIComponent(text.replaceAll('+', ' '));
  } catch {
    throw new ApiError('MalformedQueryString', 'A parameter is not correctly percent-encoded UTF-8.');
  }
}

type Member = string | Map<string, string>;

function nest(form: ReadonlyMap<string, string>): Record<string, FormValue> {
  const scalars = new Map<string, string>();
  const lists = new Map<string, Map<number, Member>>();
  for (const [name, value] of form) {
    const match = NAME.exec(name);
    const root = match?.[1];
    if (match === null || root === undefined) throw new ApiError('MalformedQueryString', `The parameter name ${name} is malformed.`);
    const [, , index, field] = match;
    if (index === undefined) {
      scalars.set(root, value);
      continue;
    }
    const members = lists.get(root) ?? new Map<number, Member>();
    lists.set(root, members);
    const before = members.get(Number(index));
    if (field === undefined) {
      if (before !== undefined) throw mixed(name);
      members.set(Number(index), value);
    } else {
      if (typeof before === 'string') throw mixed(name);
      members.set(Number(index), (before ?? new Map<string, string>()).set(field, value));
    }
  }
  // Without a prototype, so that no parameter's name can mean something to JavaScript.
  const nested = Object.create(null) as Record<string, FormValue>;
  for (const [name, value] of scalars) nested[name] = value;
  for (const [name, members] of lists) {
    if (scalars.has(name)) throw mixed(name);
    nested[name] = listOf(name, members);
  }
  return nested;
}

function listOf(name: string, members: ReadonlyMap<number, Member>): FormValue[] {
  return Array.from({ length: members.size }, (_, position) => {
    const member = members.get(position + 1);
    if (member === undefined) throw new ApiError('MalformedQueryString', `The list ${name} has a gap.`);
    return typeof member === 'string' ? member : Object.fromEntries(member);
  });
}

function mixed(name: string): ApiError {
  return new ApiError('MalformedQueryString', `The parameter ${name} is given as more than one kind of value.`);
}

/** An XML element: its name and its text, or the elements in it. */
export interface XmlElement {
  readonly name: string;
  readonly content: string | readonly XmlElement[];
}

/** An element with a text in it, or with elements in it; an absent child (undefined) is left out. */
export function element(name: string, content: string | readonly (XmlElement | undefined)[]): XmlElement {
  return { name, content: typeof content === 'string' ? content : content.filter((child) => child !== undefined) };
}

/** A list as the Query protocol writes it: `<Name><member>…</member>…</Name>`. */
export function list(name: string, members: readonly (string | readonly (XmlElement | undefined)[])[]): XmlElement {
  return element(name, members.map((member) => element('member', member)));
}

/** A time as AWS writes it: ISO 8601 in UTC, whole seconds. */
export function timestamp(milliseconds: number): string {
  return `${new Date(milliseconds).toISOString().slice(0, 19)}Z`;
}

/** `<ActionResponse>` with `<ActionResult>` where the action returns something. */
export function encodeReply(request: QueryRequest, result: readonly XmlElement[] | undefined, requestId: string): string {
  return document(`${request.action}Response`, API[request.service].namespace, [
    ...(result === undefined ? [] : [element(`${request.action}Result`, result)]),
    element('ResponseMetadata', [element('RequestId', requestId)]),
  ]);
}

/** `<ErrorResponse>`; `service` is undefined where the request did not get far enough to tell. */
export function encodeError(error: ApiError, service: Service | undefined, requestId: string): string {
  return document('ErrorResponse', API[service ?? 'iam'].namespace, [
    element('Error', [
      element('Type', error.status >= 500 ? 'Receiver' : 'Sender'),
      element('Code', error.code),
      element('Message', error.message),
    ]),
    element('RequestId', requestId),
  ]);
}

function document(name: string, namespace: string, content: readonly XmlElement[]): string {
  return `<${name} xmlns="${namespace}">${content.map(write).join('')}</${name}>`;
}

function write({ name, content }: XmlElement): string {
  return `<${name}>${typeof content === 'string' ? escape(content) : content.map(write).join('')}</${name}>`;
}

const ENTITIES: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', '\r': '&#xD;' };

function escape(text: string): string {
  return (
    text
      // Characters that XML 1.0 cannot hold at all, and lone surrogates: only an error that quotes its request has them.
      .replace(/[^\t\n\r\u0020-\uD7FF\uE000-\uFFFD\u{10000}-\u{10FFFF}]/gu, '\uFFFD')
      .replace(/[&<>"\r]/g, (character) => ENTITIES[character] ?? character)
  );
}
