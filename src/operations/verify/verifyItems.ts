import pLimit from 'p-limit';
import { isVaultError } from '../../errors.ts';
import { audienceBehind, audienceOf, groupFingerprints } from '../../items/group.ts';
import type { VerifiedItem } from '../../items/verify.ts';
import type { ItemRef } from '../../sealing/dataKey.ts';
import { listSeen } from '../../state/generations.ts';
import { openGroups } from '../items/groups.ts';
import { openInventory } from '../items/inventory.ts';
import { judgeItem, readParsedItem, refuseMissing, type Trust, type Workspace } from '../workspace.ts';
import { findingOf, type Finding } from './finding.ts';
import { openAudienceJudge } from './verifyAudience.ts';

/** Enough to keep the disk and the processor busy at once; more only holds more items in memory. */
const CONCURRENCY = 16;

/** What is to be said of items. */
export interface ItemsVerdict {
  /** Recipients of the items that can be trusted; each counts once in each. */
  readonly recipients: number;
  /** Those that can be trusted. */
  readonly sound: readonly ItemRef[];
  readonly problems: readonly Finding[];
  readonly warnings: readonly Finding[];
  /** Items of chef-vault, which are not judged. */
  readonly foreign: readonly ItemRef[];
}

/** Steps 1 to 5a of the order of verification on each item, whatever is wrong with the others. */
export async function verifyItems(workspace: Workspace, trust: Trust, refs: readonly ItemRef[]): Promise<ItemsVerdict> {
  const hasClients = (await workspace.store.listInventoryNames('clients')).length > 0;
  const audience = openAudienceJudge(trust.roster, hasClients ? openInventory(workspace.store) : undefined);
  const groups = openGroups(workspace, trust);
  const limit = pLimit(CONCURRENCY);
  const verdicts = await Promise.all(refs.map((ref) => limit(async () => {
    try {
      const parsed = await readParsedItem(workspace, ref);
      if (parsed === undefined) {
        await refuseMissing(workspace, trust, ref);
        return undefined; // Deleted meanwhile.
      }
      const verified = await judgeItem(workspace, trust, parsed);
      const sealedTo = audienceOf(ref, verified.keys);
      const warnings = sealedTo === undefined ? await audience.warningsOf(verified) : warningsOfGroup(verified, await groups.read(sealedTo));
      return { ref, recipients: verified.header.recipients_count, warnings };
    } catch (error) {
      return isVaultError(error, 'item-other-format') ? { ref, foreign: ref } : { ref, problem: findingOf(error, ref) };
    }
  })));
  const sound = verdicts.flatMap((verdict) => (verdict?.recipients === undefined ? [] : [verdict]));
  return {
    recipients: sound.reduce((sum, { recipients }) => sum + recipients, 0),
    sound: sound.map(({ ref }) => ref),
    problems: verdicts.flatMap((verdict) => verdict?.problem ?? []),
    warnings: sound.flatMap(({ warnings }) => warnings),
    foreign: verdicts.flatMap((verdict) => verdict?.foreign ?? []),
  };
}

/** An item must be sealed to a key of its audience, and should be to the present one. @throws VaultError audience-mismatch */
function warningsOfGroup(verified: VerifiedItem, group: VerifiedItem): Finding[] {
  const { vault, item, keys } = verified;
  const fingerprints = groupFingerprints(group.header);
  const found = fingerprints.indexOf(keys.audience?.fingerprint ?? '');
  if (found < 0) throw audienceBehind(verified, group);
  if (found === 0) return [];
  return [{ vault, item, code: 'audience-mismatch', message: `${vault}/${item}: somebody left its audience, ${group.item}, and it is still sealed to the audience's earlier key.`, hint: `Run "vault refresh ${vault}".` }];
}

/** Step 1 alone, where there is no roster to judge by. */
export async function verifyForms(workspace: Workspace, refs: readonly ItemRef[]): Promise<ItemsVerdict> {
  const problems: Finding[] = [];
  const foreign: ItemRef[] = [];
  for (const ref of refs) {
    try {
      await readParsedItem(workspace, ref);
    } catch (error) {
      if (isVaultError(error, 'item-other-format')) foreign.push(ref);
      else problems.push(findingOf(error, ref));
    }
  }
  return { recipients: 0, sound: [], problems, warnings: [], foreign };
}

/** Items that were seen here and are gone, and were not deleted from here; of one vault, or of all. */
export async function findMissingItems(workspace: Workspace, trust: Trust, present: readonly ItemRef[], vault: string | undefined): Promise<Finding[]> {
  const there = new Set(present.map((ref) => `${ref.vault}/${ref.item}`));
  const findings: Finding[] = [];
  for (const ref of await listSeen(workspace.state, trust.repository, vault)) {
    if (there.has(`${ref.vault}/${ref.item}`)) continue;
    try {
      await refuseMissing(workspace, trust, ref);
    } catch (error) {
      if (!isVaultError(error, 'item-missing')) throw error;
      findings.push(findingOf(error, ref));
    }
  }
  return findings;
}
