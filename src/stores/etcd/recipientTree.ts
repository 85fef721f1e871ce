import * as z from 'zod/mini';
import type { KeysDocument, RecipientEntry } from '../../items/model.ts';
import { compareNames } from '../../items/recipients.ts';
import { decodeBase64, digestOf, utf8 } from '../../sealing/encoding.ts';
import { MOST_PART_BYTES } from './parts.ts';

/*
 * Recipients of an item, of whom there may be ten thousand, as a tree whose shape follows from the recipients alone: three bits of the
 * fingerprint choose a branch at each level, and few recipients are a leaf. Each node but the root is stored under the digest of its bytes. So
 * whoever adds one recipient writes one leaf and the branches above it, and a node finds its own entry by going down one path.
 */

/** Recipients in a leaf. */
const MOST_IN_LEAF = 32;
const BITS = 3;
/** Of those whose fingerprints have so many bits in common somebody else chose the keys, or they are one key: they stay in one leaf. */
const MOST_LEVELS = 20;

export type Recipients = Pick<KeysDocument, 'admins' | 'clients'>;

const entry = z.strictObject({ fingerprint: z.string(), name: z.string(), sealed_key: z.string() });
/** Each branch: which, the digest of its bytes, and how many nodes are stored below it. */
const branch = z.tuple([z.int(), z.string().check(z.regex(/^[A-Za-z0-9_-]{43}$/)), z.int()]);
export const nodeSchema = z.union([z.strictObject({ branches: z.array(branch) }), z.strictObject({ admins: z.array(entry), clients: z.array(entry) })]);

/** What is stored of a node. */
export type NodeRecord = z.output<typeof nodeSchema>;

export interface TreeNode {
  readonly record: NodeRecord;
  readonly bytes: Uint8Array;
  readonly digest: string;
  /** Nodes below that are stored. */
  readonly below: number;
  readonly children: ReadonlyMap<number, TreeNode>;
}

interface Placed { readonly role: keyof Recipients; readonly entry: RecipientEntry; readonly bits: Uint8Array }

/** Undefined where a leaf would be too large: with thousands of recipients that have one key. */
export function growTree({ admins, clients }: Recipients): TreeNode | undefined {
  const place = (role: keyof Recipients) => (each: RecipientEntry): Placed => ({ role, entry: each, bits: decodeBase64(each.fingerprint, 'a fingerprint', 32) });
  const root = grow([...admins.map(place('admins')), ...clients.map(place('clients'))], 0);
  return isStorable(root) ? root : undefined;
}

function grow(entries: readonly Placed[], level: number): TreeNode {
  if (entries.length <= MOST_IN_LEAF || level === MOST_LEVELS) {
    const of = (role: keyof Recipients): RecipientEntry[] => entries.filter((each) => each.role === role).map(({ entry: { fingerprint, name, sealed_key } }) => ({ fingerprint, name, sealed_key }));
    return nodeOf({ admins: of('admins'), clients: of('clients') }, new Map(), 0);
  }
  const groups = new Map<number, Placed[]>();
  for (const each of entries) {
    const which = branchAt(each.bits, level);
    const group = groups.get(which);
    if (group === undefined) groups.set(which, [each]);
    else group.push(each);
  }
  const children = new Map([...groups].sort(([a], [b]) => a - b).map(([which, group]) => [which, grow(group, level + 1)]));
  const below = [...children.values()].reduce((sum, child) => sum + 1 + child.below, 0);
  return nodeOf({ branches: [...children].map(([which, child]) => [which, child.digest, child.below]) }, children, below);
}

function nodeOf(record: NodeRecord, children: TreeNode['children'], below: number): TreeNode {
  const bytes = utf8(JSON.stringify(record));
  return { record, bytes, digest: digestOf(bytes), children, below };
}

/** Three bits of a fingerprint, from the left. */
function branchAt(bits: Uint8Array, level: number): number {
  const [byte, shift] = [(level * BITS) >> 3, (level * BITS) & 7];
  return ((((bits[byte] ?? 0) << 8) | (bits[byte + 1] ?? 0)) >> (16 - BITS - shift)) & ((1 << BITS) - 1);
}

function isStorable({ bytes, children }: TreeNode): boolean {
  return bytes.length <= MOST_PART_BYTES && [...children.values()].every(isStorable);
}

/** All nodes below, without the root itself. */
export function* nodesBelow({ children }: TreeNode): Generator<TreeNode> {
  for (const child of children.values()) {
    yield child;
    yield* nodesBelow(child);
  }
}

/** Reads nodes by their digests. */
export type FetchNodes = (digests: readonly string[]) => Promise<readonly NodeRecord[]>;

/**
 * What must be stored, and what can go, where one tree takes another's place. Reads of the old one only the branches that differ.
 * @param next undefined where there is no tree any more
 */
export async function compareTrees(next: TreeNode | undefined, present: NodeRecord | undefined, fetch: FetchNodes): Promise<{ put: TreeNode[]; remove: string[] }> {
  const put: TreeNode[] = [];
  const remove: string[] = [];
  for (let level: (readonly [TreeNode | undefined, NodeRecord | undefined])[] = [[next, present]]; level.length > 0;) {
    const deeper: { readonly node: TreeNode | undefined; readonly digest: string | undefined }[] = [];
    for (const [node, record] of level) {
      const old = new Map(branchesOf(record).map(([which, digest, below]) => [which, { digest, below }]));
      for (const which of new Set([...node?.children.keys() ?? [], ...old.keys()])) {
        const [child, before] = [node?.children.get(which), old.get(which)];
        if (child?.digest === before?.digest) continue;
        if (child !== undefined) put.push(child);
        if (before !== undefined) remove.push(before.digest);
        const branched = before !== undefined && before.below > 0 ? before.digest : undefined;
        if (branched !== undefined || (child?.children.size ?? 0) > 0) deeper.push({ node: child, digest: branched });
      }
    }
    const digests = deeper.flatMap(({ digest }) => digest ?? []);
    const records = new Map((await fetch(digests)).map((record, i) => [digests[i] ?? '', record]));
    level = deeper.map(({ node, digest }) => [node, digest === undefined ? undefined : records.get(digest)]);
  }
  return { put, remove };
}

function branchesOf(record: NodeRecord | undefined): z.output<typeof branch>[] {
  return record !== undefined && 'branches' in record ? record.branches : [];
}

/** Of a stored tree the entries with one fingerprint: reads the nodes on one path. */
export async function findRecipient(root: NodeRecord, fingerprint: string, fetch: FetchNodes): Promise<Recipients> {
  const bits = decodeBase64(fingerprint, 'a fingerprint', 32);
  let record: NodeRecord = root;
  for (let level = 0; 'branches' in record && level < MOST_LEVELS; level++) {
    const which = branchAt(bits, level);
    const next = record.branches.find(([each]) => each === which);
    const [found] = next === undefined ? [] : await fetch([next[1]]);
    if (found === undefined) return { admins: [], clients: [] };
    record = found;
  }
  if ('branches' in record) return { admins: [], clients: [] };
  const own = (entries: Recipients['admins']): Recipients['admins'] => entries.filter((each) => each.fingerprint === fingerprint).sort((a, b) => compareNames(a.name, b.name));
  return { admins: own(record.admins), clients: own(record.clients) };
}

/** All recipients of a stored tree, in the order of the keys document. */
export async function collectRecipients(root: NodeRecord, fetch: FetchNodes): Promise<Recipients> {
  const admins: RecipientEntry[] = [];
  const clients: RecipientEntry[] = [];
  for (let level: readonly NodeRecord[] = [root]; level.length > 0;) {
    for (const record of level) {
      if ('branches' in record) continue;
      admins.push(...record.admins);
      clients.push(...record.clients);
    }
    level = await fetch(level.flatMap(branchesOf).map(([, digest]) => digest));
  }
  const byName = (a: RecipientEntry, b: RecipientEntry): number => compareNames(a.name, b.name);
  return { admins: admins.sort(byName), clients: clients.sort(byName) };
}
