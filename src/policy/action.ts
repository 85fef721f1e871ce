import { globSteps, type GlobStep } from './glob.ts';

/** An Action as a policy writes it: `service:Name`, each perhaps with wildcards. */
export interface ActionPattern {
  readonly service: string;
  readonly name: string;
}

/** The two parts of an action pattern; undefined where it is none (as `*` alone, which means all of AWS). */
export function parseAction(text: string): ActionPattern | undefined {
  const [, service, name] = /^([A-Za-z0-9*?-]+):([A-Za-z0-9*?-]+)$/.exec(text) ?? [];
  return service === undefined || name === undefined ? undefined : { service, name };
}

/**
 * The pattern that an Action stands for, to be compared with an action in lower case.
 * @see https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_action.html (not case-sensitive)
 */
export function actionSteps(text: string): GlobStep[] {
  return globSteps(text.toLowerCase());
}
