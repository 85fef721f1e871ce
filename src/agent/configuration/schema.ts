import { isAbsolute, resolve } from 'node:path';
import * as z from 'zod/mini';
import { quoted } from '../../json/issueText.ts';
import { nameProblem } from '../../names.ts';
import type { ItemRef } from '../../sealing/dataKey.ts';
import { isBase64 } from '../../sealing/encoding.ts';
import { etcdAddress } from '../../stores/etcd/address.ts';
import { DEFAULT_LIFETIME_MS, durationOf } from './duration.ts';

const HOUR = 3_600_000;

/** A refused value, in the words of its author: what was found, and what is allowed. */
function found(input: unknown, rule: string): string {
  return `found ${typeof input === 'string' ? quoted(input) : 'another kind of value'}; ${rule}`;
}

/** `500ms` … `7d`, as milliseconds, within bounds. */
function duration(least: number, most: number, rule: string) {
  const allowed = z.refine<string>((text) => {
    const value = durationOf(text);
    return value !== undefined && value >= least && value <= most;
  }, { error: ({ input }) => found(input, `expected a time ${rule}, as 500ms, 30s, 5m or 1h`) });
  return z.pipe(z.string().check(allowed), z.transform((text) => durationOf(text) ?? 0));
}

/** Not only absolute: what the message of an error shows is then what is opened. */
const path = z.string().check(z.maxLength(4096), z.refine((text) => isAbsolute(text) && resolve(text) === text && !/\p{Cc}/u.test(text), {
  error: ({ input }) => found(input, 'expected an absolute path, without "..", "//", a slash at its end or control characters'),
}));

/** `VAULT/ITEM`. */
const itemRef = z.pipe(
  z.string().check(z.refine((text) => refOf(text) !== undefined, { error: ({ input }) => found(input, 'expected VAULT/ITEM, the name of a vault and of an item in it') })),
  z.transform((text): ItemRef => refOf(text) ?? { vault: '', item: '' }),
);

function refOf(text: string): ItemRef | undefined {
  const [vault, item, ...more] = text.split('/');
  if (vault === undefined || item === undefined || more.length > 0) return undefined;
  return nameProblem('vault', vault) === undefined && nameProblem('item', item) === undefined ? { vault, item } : undefined;
}

function nameOf(kind: 'field' | 'node') {
  return z.string().check(z.refine((text) => nameProblem(kind, text) === undefined, {
    error: ({ input }) => found(input, 'expected letters, digits and _ . @ + = , - , not beginning with a dot'),
  }));
}

/** A name that templates and file names are made of: one step of a path. */
const fileName = z.string().check(z.maxLength(255), z.refine((text) => /^[A-Za-z0-9_@+=,-][A-Za-z0-9_.@+=,-]*$/.test(text), {
  error: ({ input }) => found(input, 'expected a file name of letters, digits and _ . @ + = , - , not beginning with a dot'),
}));

const alias = z.string().check(z.refine((text) => /^[A-Za-z_][A-Za-z0-9_]{0,63}$/.test(text), {
  error: ({ input }) => found(input, 'expected a name of letters, digits and _'),
}));

/** A user or group, by name or number. */
const account = z.string().check(z.refine((text) => /^(?:[a-z_][a-z0-9_.-]{0,31}\$?|\d{1,10})$/i.test(text), {
  error: ({ input }) => found(input, 'expected the name or the number of a user or group'),
}));

/** Permission bits in octal. Others may never write. */
const mode = z.pipe(
  z.string().check(z.refine((text) => /^0[0-7]{2}[0-5]$/.test(text) && (Number.parseInt(text, 8) & 0o002) === 0, {
    error: ({ input }) => found(input, 'expected permission bits in octal, as "0400" or "0640", which do not let others write'),
  })),
  z.transform((text) => Number.parseInt(text, 8)),
);

/** Permission bits of a directory that the agent writes in, and nobody else. */
const directoryMode = z.pipe(
  z.string().check(z.refine((text) => /^07[0-7]{2}$/.test(text) && (Number.parseInt(text, 8) & 0o022) === 0, {
    error: ({ input }) => found(input, 'expected permission bits in octal, as "0755" or "0750": the agent writes there, and nobody else'),
  })),
  z.transform((text) => Number.parseInt(text, 8)),
);

const port = z.int().check(z.gte(0), z.lte(65_535));

/** A program and its arguments. No shell reads them. */
const command = z.array(z.string().check(z.maxLength(4096))).check(z.minLength(1), z.maxLength(256));

const httpUrl = z.string().check(z.maxLength(2048), z.refine((text) => {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  return url !== undefined && (url.protocol === 'https:' || (url.protocol === 'http:' && isLoopback(url.hostname))) && url.username === '' && url.password === '' && url.search === '' && url.hash === '';
}, { error: ({ input }) => found(input, 'expected an https URL without user, query and fragment; http only for this machine itself') }));

function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '[::1]' || /^127(?:\.\d{1,3}){3}$/.test(host);
}

function pollEvery(ms: number) {
  return z._default(duration(100, 24 * HOUR, 'from 100ms to 24h'), ms);
}

const poll = pollEvery(30_000);

const sourceSchema = z.discriminatedUnion('type', [
  z.strictObject({ type: z.literal('folder'), path, poll }),
  z.strictObject({ type: z.literal('https'), url: httpUrl, poll, timeout: z._default(duration(100, HOUR, 'from 100ms to 1h'), 10_000), ca_file: z.optional(path) }),
  z.strictObject({
    type: z.literal('etcd'), ...etcdAddress,
    tls: z.optional(z.strictObject({ ca_file: z.optional(path), cert_file: z.optional(path), key_file: z.optional(path) })),
    credentials_file: z.optional(path),
    /** Changes are told; this is for what could not be. */
    poll: pollEvery(300_000),
  }),
]);

/** What the agent says in etcd of what it delivered. */
const reportSchema = z.strictObject({
  /** Name of the node in the inventory; that under which it is a client of an item, or of its audience, where it is left out. */
  node: z.optional(nameOf('node')),
  /** How long the report is there after the agent was last there. */
  ttl: z._default(duration(2000, HOUR, 'from 2s to 1h'), 90_000),
});

const onChange = z.optional(z.strictObject({
  command,
  timeout: z._default(duration(100, 24 * HOUR, 'from 100ms to 24h'), 30_000),
}));

export const DELIVERY_FORMATS = ['json', 'yaml', 'dotenv', 'aws-credentials', 'raw'] as const;

/** What is in a file: an item or one field of it in a format, or a template filled from items. */
const content = {
  item: z.optional(itemRef),
  field: z.optional(nameOf('field')),
  format: z.optional(z.enum(DELIVERY_FORMATS)),
  template: z.optional(path),
  items: z.optional(z.record(alias, itemRef)),
};

/** Whose it is, and who may read it. */
const access = { owner: z.optional(account), group: z.optional(account), mode: z._default(mode, 0o400) };

const deliverySchema = z.discriminatedUnion('type', [
  z.strictObject({ type: z.literal('file'), path, ...content, ...access, on_change: onChange }),
  z.strictObject({
    // Always the agent's own: its owner could lead the agent's next write elsewhere.
    type: z.literal('directory'), path, group: z.optional(account), mode: z._default(directoryMode, 0o755),
    files: z.array(z.strictObject({ name: fileName, ...content, ...access })).check(z.minLength(1), z.maxLength(1000)),
    on_change: onChange,
  }),
  // To connect is to write.
  z.strictObject({ type: z.literal('socket'), path, ...content, ...access, mode: z._default(mode, 0o600) }),
]);

const consumerSchema = z.strictObject({
  name: nameOf('node'),
  items: z.array(itemRef).check(z.minLength(1), z.maxLength(1000)),
  /** Where the agent writes the token; a file in the runtime directory where it is left out. */
  token_file: z.optional(path), owner: z.optional(account), group: z.optional(account), mode: z._default(mode, 0o400),
});

const region = z.string().check(z.refine((text) => /^[a-z]{2}(?:-[a-z]+)+-\d{1,2}$/.test(text), { error: ({ input }) => found(input, 'expected the name of a region, as eu-west-1') }));

/** How far ahead the Expiration is that programs are told, so that they ask again before. */
const lifetime = z._default(duration(60_000, 12 * HOUR, 'from 1m to 12h'), DEFAULT_LIFETIME_MS);

const credentialsSchema = z.discriminatedUnion('mode', [
  z.strictObject({ item: itemRef, mode: z.literal('key'), lifetime }),
  z.strictObject({
    item: itemRef, mode: z.literal('session'), lifetime,
    /** AssumeRole; without it GetSessionToken. */
    role_arn: z.optional(z.string().check(z.maxLength(2048), z.refine((text) => /^arn:aws(?:-[a-z]+)*:iam::\d{12}:role\/[\w+=,.@/-]+$/.test(text), { error: ({ input }) => found(input, 'expected the ARN of a role, as arn:aws:iam::123456789012:role/NAME') }))),
    role_session_name: z.optional(z.string().check(z.refine((text) => /^[\w+=,.@-]{2,64}$/.test(text), { error: ({ input }) => found(input, 'expected 2 to 64 letters, digits and _ + = , . @ -') }))),
    external_id: z.optional(z.string().check(z.minLength(2), z.maxLength(1224))),
    duration: z._default(duration(900_000, 36 * HOUR, 'from 15m to 36h'), HOUR),
    region: z._default(region, 'us-east-1'),
    /** What STS answers with is a secret. */
    endpoint_url: z.optional(httpUrl),
  }),
]);

/** What agent.json holds; docs/agent.md. */
export const agentSchema = z.strictObject({
  /** For editors alone: docs/schemas/agent.schema.json. */
  $schema: z.optional(z.string()),
  identity: path,
  roster: z.string().check(z.refine((text) => isBase64(text, 32), { error: ({ input }) => found(input, 'expected the fingerprint of a roster, 43 characters, as "vault admin list" shows it') })),
  source: sourceSchema,
  report: z.optional(reportSchema),
  state_directory: z._default(path, '/var/lib/iam-vault'),
  runtime_directory: z._default(path, '/run/iam-vault'),
  items: z._default(z.array(itemRef).check(z.maxLength(10_000)), []),
  deliveries: z._default(z.array(deliverySchema).check(z.maxLength(1000)), []),
  endpoint: z.optional(z.strictObject({ port: z._default(port, 9911), consumers: z.array(consumerSchema).check(z.minLength(1), z.maxLength(1000)) })),
  credentials: z._default(z.array(credentialsSchema).check(z.maxLength(1000)), []),
  monitor: z.optional(z.strictObject({ port: z._default(port, 9912) })),
  log: z._default(z.strictObject({
    level: z._default(z.enum(['debug', 'info', 'warning', 'error']), 'info'),
    format: z._default(z.enum(['json', 'text']), 'json'),
  }), { level: 'info', format: 'json' }),
});

/** A validated configuration; times are in milliseconds. */
export type AgentConfiguration = z.output<typeof agentSchema>;
export type SourceConfiguration = AgentConfiguration['source'];
export type ReportConfiguration = NonNullable<AgentConfiguration['report']>;
export type DeliveryConfiguration = AgentConfiguration['deliveries'][number];
export type FileDelivery = Extract<DeliveryConfiguration, { type: 'file' }>;
export type DirectoryDelivery = Extract<DeliveryConfiguration, { type: 'directory' }>;
export type SocketDelivery = Extract<DeliveryConfiguration, { type: 'socket' }>;
/** What one delivered file is made of. */
export type ContentConfiguration = Pick<FileDelivery, 'item' | 'field' | 'format' | 'template' | 'items'>;
export type AccessConfiguration = Pick<FileDelivery, 'owner' | 'group' | 'mode'>;
export type ChangeCommand = NonNullable<FileDelivery['on_change']>;
export type ConsumerConfiguration = NonNullable<AgentConfiguration['endpoint']>['consumers'][number];
export type CredentialsConfiguration = AgentConfiguration['credentials'][number];
export type SessionConfiguration = Extract<CredentialsConfiguration, { mode: 'session' }>;
