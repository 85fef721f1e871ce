import { digestOf, utf8 } from '../../sealing/encoding.ts';
import type { AgentConfiguration } from '../configuration/configuration.ts';
import type { ContentConfiguration } from '../configuration/schema.ts';

export interface UnitOptions {
  readonly configuration: AgentConfiguration;
  /** Absolute path of the configuration. */
  readonly config: string;
  /** Absolute paths of Node.js and of this program. */
  readonly program: readonly string[];
}

/** Name of the unit. */
export const UNIT_NAME = 'iam-vault-agent.service';

/** Below it only root can listen: nobody else takes the place of an agent that does not run. */
const FIRST_OPEN_PORT = 1024;

const MARK = '# Written by "vault agent install"; digest of what follows: ';

/** The text of the agent's unit: closed as far as what its configuration asks for allows. */
export function systemdUnit({ configuration, config, program }: UnitOptions): string {
  const { state_directory: state, runtime_directory: runtime } = configuration;
  const own = [managed('StateDirectory', '/var/lib/', state, '0700'), managed('RuntimeDirectory', '/run/', runtime, '0755')];
  const ownPlaces = [state, runtime].filter((_, i) => own[i]?.length !== 0);
  const written = writtenDirectories(configuration);
  const outside = [...(own[0]?.length === 0 ? [state] : []), ...(own[1]?.length === 0 ? [runtime] : []), ...written.filter((path) => !ownPlaces.some((place) => isWithin(path, place)))];
  const used = [config, configuration.identity, ...program, ...readPlaces(configuration), ...outside];
  const text = [
    '[Unit]',
    'Description=iam-vault agent: secrets of this machine, kept fresh',
    ...(configuration.source.type !== 'folder' ? ['Wants=network-online.target', 'After=network-online.target'] : ['After=local-fs.target']),
    'StartLimitIntervalSec=0',
    '',
    '[Service]',
    'Type=notify',
    '# Messages are sent by systemd-notify, on behalf of the agent.',
    'NotifyAccess=all',
    `ExecStart=${[...program, 'agent', 'run', '--config', config].map(quoteWord).join(' ')}`,
    'ExecReload=/bin/kill -HUP $MAINPID',
    '# It is ready when everything was delivered, and until then what is ordered after it waits.',
    'TimeoutStartSec=infinity',
    'WatchdogSec=60',
    'Restart=always',
    'RestartSec=5',
    ...own.flat(),
    '# Deliveries outlive a restart.',
    'RuntimeDirectoryPreserve=restart',
    ...outside.map((path) => `ReadWritePaths=${quotePath(path)}`),
    '',
    ...sandbox(configuration, used, written.some((path) => !isWithin(path, runtime)), ownPlaces),
    '',
    '[Install]',
    'WantedBy=multi-user.target',
    '',
  ].join('\n');
  return `${MARK}${digestOf(utf8(text))}\n${text}`;
}

/** Whether a text is one that {@link systemdUnit} made, and that nobody changed since. */
export function isUntouched(unit: string): boolean {
  const end = unit.indexOf('\n');
  return end > 0 && unit.slice(0, end) === `${MARK}${digestOf(utf8(unit.slice(end + 1)))}`;
}

/** Settings for a directory that systemd makes; none where it lies elsewhere. */
function managed(setting: string, parent: string, path: string, mode: string): string[] {
  return path.startsWith(parent) ? [`${setting}=${quotePath(path.slice(parent.length), false)}`, `${setting}Mode=${mode}`] : [];
}

/** Directories in which the configuration has the agent write, each once. */
function writtenDirectories({ deliveries, endpoint }: AgentConfiguration): string[] {
  const tokens = (endpoint?.consumers ?? []).flatMap(({ token_file: path }) => (path === undefined ? [] : [path]));
  return [...new Set([...deliveries.map(({ path }) => path), ...tokens].map((path) => path.slice(0, Math.max(1, path.lastIndexOf('/')))))].sort();
}

function readPlaces({ source, deliveries }: AgentConfiguration): string[] {
  const contents = deliveries.flatMap<ContentConfiguration>((each) => (each.type === 'directory' ? each.files : [each]));
  return [
    ...sourcePlaces(source),
    ...contents.flatMap(({ template }) => (template === undefined ? [] : [template])),
  ];
}

/** Files and directories that a source names. */
function sourcePlaces(source: AgentConfiguration['source']): string[] {
  const named = source.type === 'folder' ? [source.path] : source.type === 'https' ? [source.ca_file] : [source.tls?.ca_file, source.tls?.cert_file, source.tls?.key_file, source.credentials_file];
  return named.filter((path) => path !== undefined);
}

/** What the agent cannot do, whatever happens to it. */
function sandbox(configuration: AgentConfiguration, used: readonly string[], writesElsewhere: boolean, ownPlaces: readonly string[]): string[] {
  const runsCommands = configuration.deliveries.some((each) => each.type !== 'socket' && each.on_change !== undefined);
  const changesOwners = ownersOf(configuration).some((owner) => owner !== undefined);
  const isIn = (...places: readonly string[]): boolean => used.some((path) => places.some((place) => isWithin(path, place)) && !ownPlaces.some((place) => isWithin(path, place)));
  const capabilities = [
    'CAP_DAC_READ_SEARCH',
    ...(changesOwners ? ['CAP_CHOWN', 'CAP_FOWNER'] : []),
    ...(changesOwners || writesElsewhere ? ['CAP_DAC_OVERRIDE'] : []),
    ...(runsCommands ? ['CAP_KILL'] : []),
    ...([configuration.endpoint, configuration.monitor].some((each) => each !== undefined && each.port > 0 && each.port < FIRST_OPEN_PORT) ? ['CAP_NET_BIND_SERVICE'] : []),
  ];
  return [
    `CapabilityBoundingSet=${capabilities.join(' ')}`,
    'AmbientCapabilities=',
    'NoNewPrivileges=yes',
    'ProtectSystem=strict',
    `ProtectHome=${isIn('/home', '/root', '/run/user') ? 'read-only' : 'yes'}`,
    `PrivateTmp=${isIn('/tmp', '/var/tmp') ? 'no' : 'yes'}`,
    'PrivateDevices=yes',
    'ProtectClock=yes',
    'ProtectControlGroups=yes',
    'ProtectHostname=yes',
    'ProtectKernelLogs=yes',
    'ProtectKernelModules=yes',
    'ProtectKernelTunables=yes',
    ...(runsCommands ? [] : ['ProtectProc=invisible', 'ProcSubset=pid']),
    'LockPersonality=yes',
    'RestrictNamespaces=yes',
    'RestrictRealtime=yes',
    'RestrictSUIDSGID=yes',
    'KeyringMode=private',
    'UMask=0077',
    '# Neither an image of memory nor memory itself on a disk.',
    'LimitCORE=0',
    'MemorySwapMax=0',
    '# MemoryDenyWriteExecute= cannot be set: V8 compiles JavaScript to machine code.',
    'SystemCallArchitectures=native',
    'SystemCallErrorNumber=EPERM',
    'SystemCallFilter=@system-service',
    'SystemCallFilter=~@privileged @resources',
    ...(changesOwners ? ['SystemCallFilter=@chown'] : []),
    ...network(configuration, runsCommands),
  ];
}

function ownersOf({ deliveries, endpoint }: AgentConfiguration): (string | undefined)[] {
  const owned: { readonly owner?: string | undefined; readonly group?: string | undefined }[] = [
    ...deliveries, ...deliveries.flatMap((each) => (each.type === 'directory' ? each.files : [])), ...(endpoint?.consumers ?? []),
  ];
  return owned.flatMap(({ owner, group }) => [owner, group]);
}

/** Only as much of the network as is asked for; commands may need any. */
function network({ source, endpoint, monitor, credentials }: AgentConfiguration, runsCommands: boolean): string[] {
  if (runsCommands || source.type !== 'folder' || credentials.some(({ mode }) => mode === 'session')) return ['RestrictAddressFamilies=AF_UNIX AF_INET AF_INET6'];
  if (endpoint === undefined && monitor === undefined) return ['RestrictAddressFamilies=AF_UNIX', 'PrivateNetwork=yes', 'IPAddressDeny=any'];
  return ['RestrictAddressFamilies=AF_UNIX AF_INET AF_INET6', 'IPAddressDeny=any', 'IPAddressAllow=localhost'];
}

function isWithin(path: string, directory: string): boolean {
  return path === directory || path.startsWith(`${directory}/`);
}

/** A word of a command line: systemd.service(5), "Command lines". */
function quoteWord(word: string): string {
  const escaped = word.replaceAll('%', '%%').replaceAll('$', '$$$$');
  return /^[A-Za-z0-9_@+=:,./%$-]+$/.test(escaped) ? escaped : `"${escaped.replace(/["\\]/g, '\\$&')}"`;
}

/** A path in a list of paths. Where it is missing at the start, everything else is still to be served. */
function quotePath(path: string, orMissing = true): string {
  const escaped = `${orMissing ? '-' : ''}${path.replaceAll('%', '%%')}`;
  return /^[A-Za-z0-9_@+=:,./%-]+$/.test(escaped) ? escaped : `"${escaped.replace(/["\\]/g, '\\$&')}"`;
}
