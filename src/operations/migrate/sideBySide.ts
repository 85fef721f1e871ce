interface Named {
  readonly name: string;
}

/** What has the same name in two lists, by name; both are sorted by it. */
export async function* sideBySide<T extends Named>(a: AsyncIterable<T>, b: AsyncIterable<T>): AsyncGenerator<{ readonly name: string; readonly here?: T; readonly there?: T }> {
  const [left, right] = [a[Symbol.asyncIterator](), b[Symbol.asyncIterator]()];
  let [here, there] = [await left.next(), await right.next()];
  while (here.done !== true || there.done !== true) {
    const [first, second] = [here.done === true ? undefined : here.value, there.done === true ? undefined : there.value];
    const isHere = first !== undefined && (second === undefined || first.name <= second.name);
    const isThere = second !== undefined && (first === undefined || second.name <= first.name);
    yield { name: (isHere ? first : second)?.name ?? '', ...(isHere ? { here: first } : {}), ...(isThere ? { there: second } : {}) };
    if (isHere) here = await left.next();
    if (isThere) there = await right.next();
  }
}
