import type { JsonPath } from '../../json/parse.ts';
import type { IamFile } from '../iamFile.ts';
import type { StatementAt, TextAt } from '../policyDocument.ts';
import type { Catalogue, CatalogueAction } from './catalogue.ts';
import type { Remark } from './finding.ts';
import type { Reach } from './reach.ts';

/** What rules look at. Paths in `statements` begin at the root of the IAM file. */
export interface LintContext {
  readonly file: IamFile;
  readonly statements: readonly StatementAt[];
  /** Every Action and NotAction, in order. */
  readonly actions: readonly TextAt[];
  /** Every Resource and NotResource, in order. */
  readonly resources: readonly TextAt[];
  readonly catalogue: Catalogue;
  /** The actions that a text stands for; undefined where its service is unknown or not named in full. */
  matching(text: string): readonly CatalogueAction[] | undefined;
  /** What a statement's actions can be on; undefined where that cannot be compared. */
  reachOf(at: StatementAt): Reach | undefined;
}

/** The path of the policy in an IAM file. */
export const POLICY_PATH: JsonPath = ['policy'];

/** One thing to look for. A rule reports a place once, and leaves to other rules what is theirs. */
export interface Rule {
  readonly name: string;
  check(context: LintContext): Remark[];
}
