import * as z from 'zod/mini';
import { isVaultError } from '../errors.ts';
import { parseJson } from '../json/parse.ts';
import { validate } from '../json/validate.ts';
import { nameProblem } from '../names.ts';
import type { ElectionStore } from '../stores/election.ts';
import type { RetirementRecord } from './retirement.ts';

/** More than one value of etcd holds of the longest names; of more, the latest are kept. */
const MOST_NAMES = 9000;

const recordSchema = z.strictObject({ retired: z.record(z.string().check(z.refine((name) => nameProblem('node', name) === undefined, 'not a name')), z.int()) });

/** The record as the store keeps it. Nobody signs it: what lies there and is none says nothing. */
export function openRetirementRecord(election: Pick<ElectionStore, 'readRecord' | 'writeRecord'>): RetirementRecord {
  return {
    async read() {
      const bytes = await election.readRecord();
      if (bytes === undefined) return new Map();
      try {
        return new Map(Object.entries(validate(recordSchema, parseJson(bytes, 'the record of the election')).retired));
      } catch (error) {
        if (!isVaultError(error)) throw error;
        return new Map();
      }
    },
    async write(retired) {
      const latest = [...retired].sort(([, a], [, b]) => b - a).slice(0, MOST_NAMES);
      await election.writeRecord(new TextEncoder().encode(JSON.stringify({ retired: Object.fromEntries(latest) })));
    },
  };
}
