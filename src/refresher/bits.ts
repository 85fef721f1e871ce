/** A set of small numbers, an eighth of a byte for each that could be in it. */
export class Bits {
  #bytes: Uint8Array = new Uint8Array(16);

  has(bit: number): boolean {
    return ((this.#bytes[bit >> 3] ?? 0) & (1 << (bit & 7))) !== 0;
  }

  set(bit: number, isIn: boolean): void {
    const index = bit >> 3;
    if (index >= this.#bytes.length) {
      if (!isIn) return;
      const larger = new Uint8Array(Math.max(index + 1, this.#bytes.length * 2));
      larger.set(this.#bytes);
      this.#bytes = larger;
    }
    const byte = this.#bytes[index] ?? 0;
    this.#bytes[index] = isIn ? byte | (1 << (bit & 7)) : byte & ~(1 << (bit & 7));
  }
}
