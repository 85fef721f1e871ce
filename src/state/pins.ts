import * as z from 'zod/mini';
import { digestOf, utf8 } from '../sealing/encoding.ts';
import type { Pin } from '../trust/walk.ts';
import type { StateDirectory } from './stateDirectory.ts';

const digest = z.string().check(z.length(43));
const pinSchema = z.strictObject({ location: z.string(), version: z.int().check(z.gte(1)), digest, repository: digest });

/** What is remembered of a repository: the roster last trusted, and the repository's identity. */
export interface RememberedPin extends Pin {
  /** Digest of version 1 of the roster: under it the generations are remembered, wherever a copy of the repository lies. */
  readonly repository: string;
}

/** The pin for the repository at `location`. Remembered by place, not by content: content is what an attacker would replace. */
export async function readPin(state: StateDirectory, location: string): Promise<RememberedPin | undefined> {
  const found = await state.read(pinSchema, 'pins', digestOf(utf8(location)));
  return found === undefined ? undefined : { version: found.version, digest: found.digest, repository: found.repository };
}

/** Remembers a roster, where it is newer than what is remembered. */
export async function rememberPin(state: StateDirectory, location: string, pin: RememberedPin): Promise<void> {
  await locked(state, location, async () => {
    if (pin.version > ((await readPin(state, location))?.version ?? 0)) await replacePin(state, location, pin);
  });
}

/** Remembers a roster in place of whatever is remembered: for a repository that was made just now. */
export async function writePin(state: StateDirectory, location: string, pin: RememberedPin): Promise<void> {
  await locked(state, location, () => replacePin(state, location, pin));
}

function locked(state: StateDirectory, location: string, work: () => Promise<void>): Promise<void> {
  return state.locked(work, ['pins', digestOf(utf8(location))]);
}

async function replacePin(state: StateDirectory, location: string, pin: RememberedPin): Promise<void> {
  await state.write({ location, version: pin.version, digest: pin.digest, repository: pin.repository }, 'pins', digestOf(utf8(location)));
}
