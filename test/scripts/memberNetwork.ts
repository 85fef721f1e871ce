import { execFile, execFileSync } from 'node:child_process';
import { randomBytes, randomInt } from 'node:crypto';
import { promisify } from 'node:util';

/** From whom a member is cut off: the other members alone, so that clients still reach it; or all. */
export type CutFrom = 'peers' | 'all';

/** Network namespaces of this machine, one a member, and one with a bridge that joins them. Nothing of them is left when the process ends. */
export interface MemberNetwork {
  /** Where each member is: for clients, this process among them; and for the other members. */
  readonly places: readonly { readonly client: string; readonly peer: string }[];
  /** What a program of that member is started by. */
  command(member: number): readonly string[];
  /** Takes its links down: whatever is sent to it, or by it, vanishes, and nobody is told. */
  cutOff(member: number, from: CutFrom): Promise<void>;
  joinAgain(member: number): Promise<void>;
  close(): Promise<void>;
}

const run = promisify(execFile);

/** Runs what `ip` is told, one command a line. */
async function ip(lines: readonly string[], namespace?: string): Promise<string> {
  const running = run('ip', [...(namespace === undefined ? [] : ['-n', namespace]), '-batch', '-']);
  running.child.stdin?.end(`${lines.join('\n')}\n`);
  return (await running).stdout;
}

/** Why there can be none, where that is no fault; in CI root must be able to make them. */
export function whyNoNetwork(): string | undefined {
  if (process.getuid?.() !== 0) return 'only root may make network namespaces';
  if (process.env['CI'] !== undefined) return undefined;
  const name = randomName();
  try {
    execFileSync('ip', ['netns', 'add', name], { stdio: 'pipe' });
    execFileSync('ip', ['netns', 'delete', name], { stdio: 'pipe' });
    return undefined;
  } catch (error) {
    return `network namespaces cannot be made here: ${error instanceof Error ? error.message : String(error)}`;
  }
}

/** At most the fifteen characters that an interface's name has. */
function randomName(): string {
  return `ivt-${randomBytes(4).toString('hex')}`;
}

/** @param members at most nine */
export async function openMemberNetwork(members: number): Promise<MemberNetwork> {
  const outside = randomName();
  const hub = `${outside}-hub`;
  const namespaces = Array.from({ length: members }, (_, i) => `${outside}-${String(i)}`);
  // The ranges for measurements (RFC 2544), which nobody routes; sixteen addresses of each.
  const taken = await ip(['address show']);
  let [third, fourth] = [0, 0];
  do [third, fourth] = [randomInt(256), 16 * randomInt(16)]; while (taken.includes(`198.18.${String(third)}.${String(fourth + 1)}/`));
  const address = (range: 18 | 19, host: number): string => `198.${String(range)}.${String(third)}.${String(fourth + host)}`;
  const hardware = (range: 18 | 19, host: number): string => `02:00:00:00:${String(range)}:0${String(host)}`;
  // Known for good: where a neighbour does not answer who asks for it, its packets would be refused, and not vanish.
  const neighbour = (range: 18 | 19, host: number, device: string): string => `neighbour replace ${address(range, host)} lladdr ${hardware(range, host)} dev ${device} nud permanent`;
  const hosts = namespaces.map((_, i) => i + 2);

  const remove = (): string[][] => [['link', 'delete', outside], ...[...namespaces, hub].map((name) => ['netns', 'delete', name])];
  const removeNow = (): void => {
    for (const args of remove()) {
      try {
        execFileSync('ip', args, { stdio: 'ignore' });
      } catch { /* It was not made. */ }
    }
  };
  process.once('exit', removeNow);
  const close = async (): Promise<void> => {
    process.off('exit', removeNow);
    for (const args of remove()) await run('ip', args).catch(() => undefined);
  };

  try {
    await ip([...[...namespaces, hub].map((name) => `netns add ${name}`), `link add ${outside} address ${hardware(18, 1)} type veth peer name outside netns ${hub}`]);
    for (const [i, namespace] of namespaces.entries()) {
      const host = i + 2;
      await ip([
        `link add clients address ${hardware(18, host)} type veth peer name clients${String(i)} netns ${hub}`,
        `link add peers address ${hardware(19, host)} type veth peer name peers${String(i)} netns ${hub}`,
        `address add ${address(18, host)}/28 dev clients`, `address add ${address(19, host)}/28 dev peers`,
        ...['lo', 'clients', 'peers'].map((device) => `link set ${device} up`),
        neighbour(18, 1, 'clients'), ...hosts.filter((each) => each !== host).map((each) => neighbour(19, each, 'peers')),
      ], namespace);
    }
    // In a namespace of its own, where no rule of this machine's firewall is asked.
    const ports = ['outside', ...namespaces.flatMap((_, i) => [`clients${String(i)}`, `peers${String(i)}`])];
    await ip(['link add bridge type bridge', 'link set bridge up', ...ports.map((port) => `link set ${port} master bridge up`)], hub);
    await ip([`address add ${address(18, 1)}/28 dev ${outside}`, `link set ${outside} up`, ...hosts.map((host) => neighbour(18, host, outside))]);
  } catch (error) {
    await close();
    throw error;
  }
  return {
    places: hosts.map((host) => ({ client: address(18, host), peer: address(19, host) })),
    command: (member) => ['ip', 'netns', 'exec', namespaces[member] ?? ''],
    async cutOff(member, from) {
      await ip([`link set peers${String(member)} down`, ...(from === 'all' ? [`link set clients${String(member)} down`] : [])], hub);
    },
    async joinAgain(member) {
      await ip([`link set peers${String(member)} up`, `link set clients${String(member)} up`], hub);
    },
    close,
  };
}
