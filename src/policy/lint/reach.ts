import { parseArnPattern, type ArnPattern } from '../arn.ts';
import { globSteps, globsOverlap, hasWildcard } from '../glob.ts';
import { textsOf, type StatementAt, type TextAt } from '../policyDocument.ts';
import type { CatalogueAction } from './catalogue.ts';
import { remembered } from './remembered.ts';

/** Which of a statement's actions can be on which of its resources. */
export interface Reach {
  readonly actions: readonly ReachingAction[];
  readonly resources: readonly TextAt[];
  /** Whether some resource that the action can be on is of the service that this resource's ARN names. */
  sameService(action: ReachingAction, resource: TextAt): boolean;
  /** Whether the resource can stand for one that the action can be on. */
  sameType(action: ReachingAction, resource: TextAt): boolean;
}

export interface ReachingAction extends TextAt {
  /** Formats of the ARNs that what it stands for can be on; empty where they take only `*`. */
  readonly formats: ReadonlySet<string>;
}

/**
 * The reach of a statement with Action and Resource, or undefined where there is nothing to compare: `*` among its
 * actions or resources, or one of them that other rules complain about (unknown, malformed).
 * @param matching the actions that a text stands for
 */
export function reachOf(at: StatementAt, matching: (text: string) => readonly CatalogueAction[] | undefined): Reach | undefined {
  const resources = textsOf(at, 'Resource');
  const arns = new Map<string, ArnPattern>();
  for (const { text } of resources) {
    const arn = parseArnPattern(text);
    if (arn === undefined || hasWildcard(arn.service)) return undefined;
    arns.set(text, arn);
  }
  const actions: ReachingAction[] = [];
  for (const { text, path } of textsOf(at, 'Action')) {
    const matches = matching(text);
    if (matches === undefined || matches.length === 0) return undefined;
    actions.push({ text, path, formats: new Set(matches.flatMap((m) => m.resources)) });
  }
  if (resources.length === 0 || actions.length === 0) return undefined;
  const typeOf = remembered(parseArnPattern);
  const ofType = remembered((format) => {
    const type = typeOf(format);
    return new Set([...arns].filter(([, arn]) => type === undefined || arnsOverlap(type, arn)).map(([text]) => text));
  });
  const ofService = remembered((format) => {
    // Some types are of whatever service made them: arn:${Partition}:${Vendor}:…
    const service = typeOf(format)?.service.replace(VARIABLE, '*') ?? '*';
    return new Set([...arns].filter(([, arn]) => service === '*' || service === arn.service).map(([text]) => text));
  });
  // Many patterns stand for the same actions: what they reach is worked out once.
  const reached = (of: (format: string) => ReadonlySet<string>): ((formats: string) => ReadonlySet<string>) =>
    remembered((formats) => new Set(formats.split('\n').flatMap((format) => (format === '' ? [] : [...of(format)]))));
  const [byType, byService] = [reached(ofType), reached(ofService)];
  const keys = new Map(actions.map((action) => [action, [...action.formats].join('\n')]));
  return {
    actions, resources,
    sameService: (action, { text }) => byService(keys.get(action) ?? '').has(text),
    sameType: (action, { text }) => byType(keys.get(action) ?? '').has(text),
  };
}

/** Whether one ARN is of both. What differs between the resources of a type, and a policy variable, can be any text. */
function arnsOverlap(type: ArnPattern, arn: ArnPattern): boolean {
  // The data knows no ARNs of other services' resources: nothing to compare with.
  if (type.service.includes('${')) return true;
  // A bucket's name holds no slash, which tells a bucket from its objects. Other types' names may hold any character.
  if (type.resource === '${BucketName}' && arn.resource.replace(VARIABLE, '').includes('/')) return false;
  return (['partition', 'service', 'region', 'account', 'resource'] as const).every((part) =>
    globsOverlap(globSteps(type[part].replace(VARIABLE, '*')), globSteps(arn[part].replace(VARIABLE, '*'))));
}

const VARIABLE = /\$\{[^}]*\}/g;
