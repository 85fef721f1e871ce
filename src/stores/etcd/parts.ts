import { digestOf } from '../../sealing/encoding.ts';

/** Largest value that is stored for a part of an item: two fit in a request. */
export const MOST_PART_BYTES = 512 << 10;

/** A part of a document that is stored by itself. */
export interface Part {
  readonly digest: string;
  readonly bytes: Uint8Array;
}

/** Divides a document that is too large for the head. */
export function divide(bytes: Uint8Array): Part[] {
  const parts: Part[] = [];
  for (let start = 0; start < bytes.length; start += MOST_PART_BYTES) {
    const part = bytes.subarray(start, start + MOST_PART_BYTES);
    parts.push({ digest: digestOf(part), bytes: part });
  }
  return parts;
}
