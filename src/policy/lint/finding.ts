import type { JsonDocument, JsonPath } from '../../json/parse.ts';
import { problemAt, type Problem } from '../../json/validate.ts';

/** `error`: IAM would refuse the policy, or it cannot mean what it says. `warning`: it works, and may surprise. */
export type Severity = 'error' | 'warning';

/** Something that a lint rule found, and where. */
export interface Finding extends Problem {
  /** Name of the rule, stable for scripts. */
  readonly rule: string;
  readonly severity: Severity;
}

/** What a rule says: which place, how bad, and one sentence. */
export interface Remark {
  readonly severity: Severity;
  /** From the root of the IAM file. */
  readonly path: JsonPath;
  readonly message: string;
  readonly suggestion?: string | undefined;
}

export function findingOf(rule: string, document: JsonDocument, { severity, path, message, suggestion }: Remark): Finding {
  return { rule, severity, ...problemAt(document, path, message, suggestion) };
}
