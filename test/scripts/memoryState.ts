import * as z from 'zod/v4/core';
import type { Json } from '../../src/json/canonical.ts';
import type { StateDirectory } from '../../src/state/stateDirectory.ts';

/** A state directory that is forgotten with the process: thousands of agents on one machine would measure its disk. */
export function memoryState(path: string): StateDirectory {
  const documents = new Map<string, { readonly [key: string]: Json }>();
  return {
    path,
    read: (schema, ...name) => {
      const value = documents.get(name.join('/'));
      return Promise.resolve(value === undefined ? undefined : z.parse(schema, value));
    },
    list: (...name) => Promise.resolve([...documents.keys()].filter((key) => key.startsWith(`${name.join('/')}/`)).map((key) => `${key.slice(name.join('/').length + 1)}.json`).sort()),
    write(value, ...name) {
      documents.set(name.join('/'), value);
      return Promise.resolve();
    },
    remove(...name) {
      documents.delete(name.join('/'));
      return Promise.resolve();
    },
    locked: (work) => work(),
  };
}
