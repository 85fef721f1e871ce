import type { AttributeVisitor } from './attributes.ts';

/** The attributes of one node: pairs of path and value, both numbers of the pool, in `pairs` from `start` to `end`. */
export interface Stored {
  readonly pairs: Uint32Array;
  readonly start: number;
  readonly end: number;
}

/** Pairs of many nodes share one array of this length, because 100,000 small arrays cost more than what they hold. */
const BLOCK = 1 << 16;
const NONE = -1;
const ROOT = 0;
/** More than one query can name. */
const SELECTIONS_MAX = 1 << 13;

/**
 * Keeps the attributes of many nodes in little memory: each string and each path once, each attribute as two numbers.
 * A path is its last key and the path it stands in, so the text of a full path is never stored.
 */
export class AttributePool implements AttributeVisitor<number> {
  readonly #numbers = new Map<string, number>();
  readonly #strings: string[] = [];

  // By number of path. The root has no key.
  #parents = new Int32Array(64);
  #keys = new Int32Array(64).fill(NONE, 0, 1);
  /** A path's newest child, and the sibling that came before a path: 0 where there is none. */
  #newest = new Int32Array(64);
  #older = new Int32Array(64);
  #paths = 1;
  /** Open addressing, from parent and key to path; 0 is free, because the root is nobody's child. */
  #table = new Int32Array(128);

  #scratch = new Uint32Array(256);
  #written = 0;
  #block = new Uint32Array(0);
  #used = 0;

  readonly #selections = new Map<string, Selection>();

  readonly root: number = ROOT;

  /** The path of `key` within `parent`. */
  child(parent: number, key: string): number {
    const keyNumber = this.#intern(key);
    const slot = this.#slot(parent, keyNumber);
    const known = this.#table[slot] ?? 0;
    if (known !== 0) return known;
    const path = this.#paths++;
    if (path === this.#parents.length) {
      this.#parents = grown(this.#parents, new Int32Array(path * 2));
      this.#keys = grown(this.#keys, new Int32Array(path * 2));
      this.#newest = grown(this.#newest, new Int32Array(path * 2));
      this.#older = grown(this.#older, new Int32Array(path * 2));
    }
    this.#parents[path] = parent;
    this.#keys[path] = keyNumber;
    this.#older[path] = this.#newest[parent] ?? 0;
    this.#newest[parent] = path;
    this.#table[slot] = path;
    if (this.#paths * 2 > this.#table.length) this.#rehash();
    return path;
  }

  /** Adds an attribute to the node that the next `finish` stores. */
  value(path: number, value: string): void {
    if (this.#written + 2 > this.#scratch.length) {
      this.#scratch = grown(this.#scratch, new Uint32Array(this.#scratch.length * 2));
    }
    this.#scratch[this.#written++] = path;
    this.#scratch[this.#written++] = this.#intern(value);
  }

  /** Forgets attributes that were added and not stored. */
  begin(): void {
    this.#written = 0;
  }

  /** Stores the attributes added since `begin`. */
  finish(): Stored {
    const length = this.#written;
    if (this.#used + length > this.#block.length) {
      this.#block = new Uint32Array(Math.max(length, Math.min(BLOCK, this.#block.length * 2)));
      this.#used = 0;
    }
    const start = this.#used;
    this.#block.set(this.#scratch.subarray(0, length), start);
    this.#used += length;
    return { pairs: this.#block, start, end: this.#used };
  }

  /** The values of `field`, which is a full path joined by `_` or a path's last key; undefined where there are none. */
  values(stored: Stored, field: string): readonly string[] | undefined {
    const { key, full } = this.#select(field);
    const { pairs, end } = stored;
    const keys = this.#keys;
    let found: string[] | undefined;
    for (let i = stored.start; i < end; i += 2) {
      const path = pairs[i] ?? ROOT;
      if (keys[path] === key || (full.size > 0 && full.has(path))) {
        (found ??= []).push(this.#strings[pairs[i + 1] ?? NONE] ?? '');
      }
    }
    return found;
  }

  /** Every name under which `values` finds something. */
  fields(stored: Stored): ReadonlySet<string> {
    const names = new Set<string>();
    for (let i = stored.start; i < stored.end; i += 2) {
      const keys: string[] = [];
      for (let path = stored.pairs[i] ?? ROOT; path !== ROOT; path = this.#parents[path] ?? ROOT) {
        keys.push(this.#strings[this.#keys[path] ?? NONE] ?? '');
      }
      names.add(keys[0] ?? '').add(keys.reverse().join('_'));
    }
    return names;
  }

  #intern(text: string): number {
    const known = this.#numbers.get(text);
    if (known !== undefined) return known;
    const number = this.#strings.push(text) - 1;
    this.#numbers.set(text, number);
    return number;
  }

  #slot(parent: number, key: number): number {
    const mask = this.#table.length - 1;
    let slot = (Math.imul(parent, 0x9e3779b1) ^ Math.imul(key, 0x85ebca6b)) >>> 0;
    slot = (slot ^ (slot >>> 15)) & mask;
    for (;;) {
      const path = this.#table[slot] ?? 0;
      if (path === 0 || (this.#parents[path] === parent && this.#keys[path] === key)) return slot;
      slot = (slot + 1) & mask;
    }
  }

  #rehash(): void {
    this.#table = new Int32Array(this.#table.length * 2);
    for (let path = 1; path < this.#paths; path++) {
      this.#table[this.#slot(this.#parents[path] ?? ROOT, this.#keys[path] ?? NONE)] = path;
    }
  }

  /** The paths that `field` names. Of paths that it begins with, only children that have come since are looked at. */
  #select(field: string): Selection {
    let selection = this.#selections.get(field);
    if (selection === undefined) {
      if (this.#selections.size >= SELECTIONS_MAX) this.#selections.clear();
      selection = { paths: 1, key: NONE, full: new Set(), heads: new Map([[ROOT, 0]]) };
      this.#selections.set(field, selection);
    }
    if (selection.paths < this.#paths) this.#extend(selection, field);
    return selection;
  }

  /**
   * A key may hold `_` itself, so that the field can be cut into keys in very many ways. Each path is compared with the
   * field once, where its parent ends: the time is at most that of reading the keys.
   */
  #extend(selection: Selection, field: string): void {
    const { full, heads } = selection;
    // Those that are added on the way come up too.
    for (const [head, from] of heads) {
      for (let path = this.#newest[head] ?? 0; path >= selection.paths; path = this.#older[path] ?? 0) {
        const key = this.#strings[this.#keys[path] ?? NONE] ?? '';
        if (!field.startsWith(key, from)) continue;
        const end = from + key.length;
        if (end === field.length) full.add(path);
        else if (field.charAt(end) === '_') heads.set(path, end + 1);
      }
    }
    selection.paths = this.#paths;
    selection.key = this.#numbers.get(field) ?? NONE;
  }
}

interface Selection {
  /** How many paths there were when it was last extended. */
  paths: number;
  /** Number of the key that is the whole field, for paths that end in it; NONE is the root's, where no value stands. */
  key: number;
  /** Paths whose keys, joined, are the field. */
  readonly full: Set<number>;
  /** Paths whose keys, joined, and a `_` begin the field; and where it goes on. */
  readonly heads: Map<number, number>;
}

function grown<A extends Int32Array | Uint32Array>(from: A, to: A): A {
  to.set(from);
  return to;
}
