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
  /** Stores the credentials, durably: resolves when they are safe, and rejects with `details.ambiguous` true where they may be. */
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
 * A failure after step 2 deletes the key again, unless it may be in the item all the same. The journal stays then, and where
 * the process dies: by it the next run keeps the key or deletes it.
 * @throws VaultError aws-*, iam-key-not-working, iam-key-ambiguous, and whatever `seal` throws
 */
export async function makeAccessKey(request: MakeKeyRequest): Promise<string> {
  const { account, journal, onStep } = request;
  onStep?.('create');
  const key = await createOnce(request);
  let sealing = false;
  try {
    await journal.write({ phase: 'created', keyId: key.id });
    if (request.verify) {
      onStep?.('verify');
      await tryKey(account, key, request.signal);
    }
    onStep?.('seal');
    sealing = true;
    await request.seal(key);
  } catch (error) {
    if (!sealing || !isAmbiguous(error)) await discard(request, key.id, error);
    throw error;
  }
  await journal.clear();
  return key.id;
}

/** Deletes a key that no item holds. `reason` is what the run failed for, and stays the news where this fails too. */
async function discard({ account, user, journal }: MakeKeyRequest, keyId: string, reason: unknown): Promise<void> {
  try {
    await deleteKey(account, user, keyId);
    await journal.clear();
  } catch (error) {
    if (!isVaultError(error) || !isVaultError(reason)) throw error;
    throw new VaultError(reason.code, `${reason.message} The new access key ${keyId} could not be deleted again (${error.message}); the next run does that.`, {
      cause: reason, hint: reason.hint, details: { ...reason.details, key: keyId },
    });
  }
}

function isAmbiguous(error: unknown): error is VaultError {
  return isVaultError(error) && error.details['ambiguous'] === true;
}

async function createOnce(request: MakeKeyRequest): Promise<NewAccessKey> {
  const { account, user, journal, existingKeys } = request;
  for (let attempt = 1; ; attempt++) {
    let unfinished: UnfinishedKey | undefined;
    try {
      // Written when the request is next to go, however long it waited for that: the window is short.
      return await account.createAccessKey(user, async () => {
        const from = account.serverTime() ?? request.now();
        unfinished = { phase: 'creating', existingKeys, from, until: new Date(from.getTime() + CREATE_WINDOW_MS) };
        await journal.write(unfinished);
      });
    } catch (error) {
      if (!isAmbiguous(error)) {
        await journal.clear();
        throw error;
      }
      if (isVaultError(error, 'interrupted')) throw error; // No more calls now; the next run looks.
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
      throw new VaultError('iam-key-not-working', `The new access key ${key.id} in ${account.name} is not accepted by AWS (${trial.awsCode}) after ${String(Math.round(waited / 1000))} s.`, {
        hint: 'Run the command again. If a policy forbids sts:GetCallerIdentity, use --no-verify.',
        details: { account: account.name, key: key.id, awsCode: trial.awsCode },
      });
    }
    await patiently(wait, account, signal);
    waited += wait;
  }
}

async function patiently(milliseconds: number, account: AwsAccount, signal: AbortSignal | undefined): Promise<void> {
  try {
    await delay(milliseconds, undefined, { signal });
  } catch (cause) {
    throw new VaultError('interrupted', `Interrupted while a new access key in ${account.name} was tried.`, { cause, details: { account: account.name } });
  }
}
