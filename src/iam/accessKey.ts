import { setTimeout as delay } from 'node:timers/promises';
import { isVaultError, VaultError } from '../errors.ts';
import { deleteKey } from './apply.ts';
import type { AwsAccount, NewAccessKey } from './client.ts';
import { settledKeys, type UnfinishedKey } from './observe.ts';

/** Where the steps of making a key are written down before they are taken. Each call is durable when it resolves. */
export interface KeyJournal {
  write(entry: UnfinishedKey): Promise<void>;
  clear(): Promise<void>;
}

export interface MakeKeyRequest {
  readonly account: AwsAccount;
  readonly user: string;
  readonly journal: KeyJournal;
  /** Ids of the keys that the user has now. */
  readonly existingKeys: readonly string[];
  /** Try the key before it is sealed. */
  readonly verify: boolean;
  /** Stores the credentials, durably: resolves when they are safe. */
  readonly seal: (key: NewAccessKey) => Promise<void>;
  readonly onStep?: (step: 'create' | 'verify' | 'seal') => void;
  readonly signal?: AbortSignal | undefined;
  readonly now: () => Date;
}

/** Longest time in which one CreateAccessKey can take effect: the client's deadline for it, and what may be in flight then. */
export const CREATE_WINDOW_MS = 60_000;

/** New keys work after some seconds; longer than this they do not. */
const PATIENCE_MS = 60_000;
const FIRST_WAIT_MS = 250;
const LONGEST_WAIT_MS = 5_000;

/** A lost reply is followed by a clean-up and one more attempt. */
const ATTEMPTS = 3;

/**
 * Creates an access key, tries it, and has it sealed. The journal says at every moment what may exist that no item holds:
 *
 * 1. "creating", with the keys there are   2. CreateAccessKey   3. "created", with the id   4. try   5. seal   6. clear
 *
 * A failure after step 2 deletes the key again. A process that dies leaves the journal, by which the next run does so.
 * @throws VaultError aws-*, iam-key-not-working, iam-key-ambiguous, and whatever `seal` throws
 */
export async function makeAccessKey(request: MakeKeyRequest): Promise<string> {
  const { account, user, journal, onStep } = request;
  onStep?.('create');
  const key = await createOnce(request);
  try {
    await journal.write({ phase: 'created', keyId: key.id });
    if (request.verify) {
      onStep?.('verify');
      await tryKey(account, key, request.signal);
    }
    onStep?.('seal');
    await request.seal(key);
  } catch (error) {
    // Where this fails too, the journal stays, and the next run deletes the key.
    await deleteKey(account, user, key.id);
    await journal.clear();
    throw error;
  }
  await journal.clear();
  return key.id;
}

async function createOnce(request: MakeKeyRequest): Promise<NewAccessKey> {
  const { account, user, journal, existingKeys } = request;
  for (let attempt = 1; ; attempt++) {
    const from = account.serverTime() ?? request.now();
    const unfinished: UnfinishedKey = { phase: 'creating', existingKeys, from, until: new Date(from.getTime() + CREATE_WINDOW_MS) };
    await journal.write(unfinished);
    try {
      return await account.createAccessKey(user);
    } catch (error) {
      const ambiguous = isVaultError(error) && error.details['ambiguous'] === true;
      if (ambiguous && isVaultError(error, 'interrupted')) throw error; // No more calls now; the next run looks.
      if (!ambiguous) {
        await journal.clear();
        throw error;
      }
      // The reply was lost. If the key was made, nobody has its secret.
      const { orphans } = await settledKeys(account, user, unfinished, undefined);
      if (orphans.length > 1) throw error; // Not ours to choose: the next run says so.
      for (const orphan of orphans) await deleteKey(account, user, orphan);
      await journal.clear();
      if (attempt === ATTEMPTS) throw error;
    }
  }
}

/** Waits until AWS accepts the key. */
async function tryKey(account: AwsAccount, key: NewAccessKey, signal: AbortSignal | undefined): Promise<void> {
  let waited = 0;
  for (let wait = FIRST_WAIT_MS; ; wait = Math.min(wait * 2, LONGEST_WAIT_MS)) {
    const trial = await account.tryAccessKey(key);
    if (trial.ok) return;
    if (trial.code === 'refused' || waited >= PATIENCE_MS) {
      throw new VaultError('iam-key-not-working', `The new access key ${key.id} in ${account.name} is not accepted by AWS (${trial.awsCode}) after ${String(Math.round(waited / 1000))} s; it was deleted again.`, {
        hint: 'Run the command again. If a policy forbids sts:GetCallerIdentity, use --no-verify.',
        details: { account: account.name, key: key.id, awsCode: trial.awsCode },
      });
    }
    await delay(wait, undefined, { signal });
    waited += wait;
  }
}
