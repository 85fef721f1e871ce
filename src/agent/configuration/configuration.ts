import { VaultError } from '../../errors.ts';
import { parseJson } from '../../json/parse.ts';
import { invalidInput, problemAt, validate, type Problem } from '../../json/validate.ts';
import type { JsonDocument, JsonPath } from '../../json/parse.ts';
import type { ItemRef } from '../../sealing/dataKey.ts';
import { agentSchema, type AgentConfiguration, type ContentConfiguration, type DeliveryConfiguration, type SessionConfiguration } from './schema.ts';

export type { AgentConfiguration } from './schema.ts';

const MAX_BYTES = 4 << 20;

/**
 * Reads a configuration of the agent; all that is wrong with it is reported at once.
 * @throws VaultError input-not-json, input-duplicate-key, input-too-deep, input-too-large, input-invalid
 */
export function parseAgentConfiguration(bytes: Uint8Array, source: string): AgentConfiguration {
  return parseAgentDocument(bytes, source).configuration;
}

/** {@link parseAgentConfiguration}, with the text that it came from, for messages about where something stands. */
export function parseAgentDocument(bytes: Uint8Array, source: string): { readonly configuration: AgentConfiguration; readonly document: JsonDocument } {
  const document = parseJson(bytes, source, { maxBytes: MAX_BYTES });
  const configuration = validate(agentSchema, document, undefined, { quote: true });
  const problems = contradictions(configuration, document);
  if (problems.length > 0) throw invalidInput(source, problems);
  return { configuration, document };
}

/**
 * What stays the same while the agent runs: its lock, its socket, and what it remembers are there.
 * @throws VaultError usage
 */
export function requireSameDirectories(before: AgentConfiguration, next: AgentConfiguration): void {
  for (const member of ['state_directory', 'runtime_directory'] as const) {
    if (before[member] === next[member]) continue;
    throw new VaultError('usage', `"${member}" is ${next[member]} now, and cannot change while the agent runs with ${before[member]}.`, {
      hint: 'Restart the agent.', details: { member, before: before[member], next: next[member] },
    });
  }
}

/** Where a source is, for people. */
export function locationOf(source: AgentConfiguration['source']): string {
  switch (source.type) {
    case 'folder': return source.path;
    case 'https': return source.url;
    case 'etcd': return `${source.endpoints.join(',')}${source.prefix}`;
  }
}

/** `vault/item`. */
export function refText({ vault, item }: ItemRef): string {
  return `${vault}/${item}`;
}

/** Items that content is made of. */
export function itemsOf({ item, items }: ContentConfiguration): ItemRef[] {
  return [...(item === undefined ? [] : [item]), ...Object.values(items ?? {})];
}

/** Items that a delivery is made of, once each. */
export function itemsOfDelivery(delivery: DeliveryConfiguration): ItemRef[] {
  return once(delivery.type === 'directory' ? delivery.files.flatMap(itemsOf) : itemsOf(delivery));
}

/** Every item that a configuration names, once, in its order. */
export function wantedItems({ items, deliveries, endpoint, credentials }: AgentConfiguration): ItemRef[] {
  const all = [
    ...items,
    ...deliveries.flatMap(itemsOfDelivery),
    ...(endpoint?.consumers ?? []).flatMap((each) => each.items),
    ...credentials.map((each) => each.item),
  ];
  return once(all);
}

function once(refs: readonly ItemRef[]): ItemRef[] {
  return [...new Map(refs.map((each) => [refText(each), { vault: each.vault, item: each.item }])).values()];
}

/** What each part allows and the parts together do not. */
function contradictions(configuration: AgentConfiguration, document: JsonDocument): Problem[] {
  const problems: Problem[] = [];
  const add = (path: JsonPath, message: string): void => { problems.push(problemAt(document, path, message)); };
  const sessions = new Set(configuration.credentials.filter(({ mode }) => mode === 'session').map(({ item }) => refText(item)));
  const checkContent = (content: ContentConfiguration, path: JsonPath): void => {
    const { item, field, format, template, items } = content;
    if (item === undefined && template === undefined) add(path, 'says nothing of its content: expected "item", or "template" with "items".');
    if (item !== undefined && template !== undefined) add([...path, 'template'], 'the content is an item already; expected one of "item" and "template".');
    if (template === undefined && items !== undefined) add([...path, 'items'], '"items" are for a template; expected "item" here.');
    if (template !== undefined && items === undefined) add(path, 'a template needs "items": a name for each item that it uses.');
    if (item === undefined && field !== undefined) add([...path, 'field'], 'there is no "item" that this could be a field of.');
    if (item === undefined && format !== undefined) add([...path, 'format'], 'a template decides itself what its text looks like.');
    for (const each of itemsOf(content)) {
      if (sessions.has(refText(each))) add(path, `the key of ${refText(each)} must not leave the agent, for its "credentials" say "mode": "session".`);
    }
  };
  /** Reports what stands twice in a list. */
  const unique = (values: readonly (readonly [string, JsonPath])[], what: string): void => {
    const seen = new Set<string>();
    for (const [value, path] of values) {
      if (seen.has(value)) add(path, `${what} stands here already.`);
      seen.add(value);
    }
  };

  for (const [i, delivery] of configuration.deliveries.entries()) {
    const path = ['deliveries', i];
    if (delivery.type !== 'directory') { checkContent(delivery, path); continue; }
    for (const [j, file] of delivery.files.entries()) checkContent(file, [...path, 'files', j]);
    unique(delivery.files.map(({ name }, j) => [name, [...path, 'files', j, 'name']]), 'a file of that name');
  }
  const paths = configuration.deliveries.map((each, i) => [each.path, ['deliveries', i, 'path']] as const);
  unique(paths, 'that path');
  const directories = configuration.deliveries.filter(({ type }) => type === 'directory').map((each) => each.path);
  for (const [value, path] of paths) {
    if (directories.some((directory) => value.startsWith(`${directory}/`))) add(path, 'it lies in a directory that another delivery replaces as a whole.');
  }
  checkPlaces(configuration, add);
  const consumers = configuration.endpoint?.consumers ?? [];
  unique(consumers.map(({ name }, i) => [name, ['endpoint', 'consumers', i, 'name']]), 'a consumer of that name');
  unique(configuration.credentials.map(({ item }, i) => [refText(item), ['credentials', i, 'item']]), 'that item');
  if (configuration.state_directory === configuration.runtime_directory) {
    add(['runtime_directory'], 'it is the state directory too; each tells whether the other was lost, so they must be two.');
  }
  unique(consumers.flatMap(({ token_file: path }, i) => (path === undefined ? [] : [[path, ['endpoint', 'consumers', i, 'token_file']]])), 'that path');
  for (const [i, each] of configuration.credentials.entries()) {
    if (each.mode === 'session') checkSession(each, ['credentials', i], add);
  }
  const { endpoint, monitor, report, source } = configuration;
  if (report !== undefined && source.type !== 'etcd') add(['report'], 'there is no place for reports but in etcd; expected a "source" of that type.');
  if (report !== undefined && report.ttl % 1000 !== 0) add(['report', 'ttl'], 'etcd counts in whole seconds.');
  if (endpoint !== undefined && monitor !== undefined && endpoint.port === monitor.port && endpoint.port !== 0) {
    add(['monitor', 'port'], 'the endpoint has that port already; health and metrics need one of their own.');
  }
  return problems;
}

/** unix(7): 108 bytes with the NUL at the end; a socket is made beside its place first, under a name that is longer by five. */
const LONGEST_SOCKET = 102;
/** What the agent itself keeps in its runtime directory. */
const OWN_NAMES = ['agent.sock', 'agent.lock', 'tokens', 'witness', 'deliveries'];

function checkPlaces({ runtime_directory: runtime, deliveries }: AgentConfiguration, add: (path: JsonPath, message: string) => void): void {
  const tooLong = (path: string): boolean => Buffer.byteLength(path) > LONGEST_SOCKET;
  if (tooLong(`${runtime}/agent.sock`)) add(['runtime_directory'], `the path of the agent's socket in it would be too long; at most ${String(LONGEST_SOCKET)} bytes are possible.`);
  const own = OWN_NAMES.map((name) => `${runtime}/${name}`);
  for (const [i, { type, path }] of deliveries.entries()) {
    const where = ['deliveries', i, 'path'];
    if (type === 'socket' && tooLong(path)) add(where, `a socket's path has at most ${String(LONGEST_SOCKET)} bytes; this one has ${String(Buffer.byteLength(path))}.`);
    if (own.some((each) => path === each || path.startsWith(`${each}/`)) || path === runtime) add(where, 'the agent keeps something of its own there; choose another name.');
    if (type !== 'directory' && deliveries.some((other) => other.path.startsWith(`${path}/`))) add(where, 'another delivery lies below it, so it cannot be a file.');
  }
}

/** @see https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRole.html */
const LONGEST_ROLE_SESSION_MS = 12 * 3_600_000;

function checkSession({ role_arn: role, role_session_name: name, external_id: externalId, duration }: SessionConfiguration, path: JsonPath, add: (path: JsonPath, message: string) => void): void {
  if (duration % 1000 !== 0) add([...path, 'duration'], 'STS counts in whole seconds.');
  if (role === undefined) {
    for (const [member, value] of Object.entries({ role_session_name: name, external_id: externalId })) {
      if (value !== undefined) add([...path, member], 'it is for a role; expected "role_arn" beside it.');
    }
  } else if (duration > LONGEST_ROLE_SESSION_MS) {
    add([...path, 'duration'], 'a role can be assumed for at most 12h; sessions without "role_arn" may last 36h.');
  }
}
