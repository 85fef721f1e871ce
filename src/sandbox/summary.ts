import type { State } from './state.ts';

/** What is in the sandbox, without any secret. */
export interface StateSummary {
  readonly accounts: readonly {
    readonly name: string;
    readonly id: string;
    readonly users: readonly {
      readonly name: string;
      readonly path: string;
      readonly tags: Readonly<Record<string, string>>;
      readonly permissionsBoundary?: string;
      readonly groups: readonly string[];
    }[];
    readonly groups: readonly {
      readonly name: string;
      readonly path: string;
      readonly members: readonly string[];
      readonly inlinePolicies: Readonly<Record<string, string>>;
      readonly attachedPolicies: readonly string[];
    }[];
    /** Of users; neither deleted ones nor those of sessions. */
    readonly accessKeys: readonly {
      readonly id: string;
      readonly user: string;
      readonly status: 'Active' | 'Inactive';
      /** ISO 8601 */
      readonly createdAt: string;
      readonly lastUsedAt?: string;
    }[];
  }[];
}

export function summarize(state: State): StateSummary {
  return {
    accounts: Array.from(state.accounts.values(), (account) => ({
      name: account.name,
      id: account.id,
      users: Array.from(account.users.values(), (user) => ({
        name: user.name,
        path: user.path,
        tags: Object.fromEntries(user.tags),
        ...(user.permissionsBoundary === undefined ? {} : { permissionsBoundary: user.permissionsBoundary }),
        groups: [...account.groups.values()].filter((group) => group.members.has(user.name)).map(({ name }) => name),
      })),
      groups: Array.from(account.groups.values(), (group) => ({
        name: group.name,
        path: group.path,
        members: [...group.members],
        inlinePolicies: Object.fromEntries(group.inlinePolicies),
        attachedPolicies: [...group.attachedPolicies],
      })),
      accessKeys: [...state.accessKeys.values()].flatMap((key) =>
        key.accountId !== account.id || key.owner.kind !== 'user' || key.deletedAt !== undefined
          ? []
          : [
              {
                id: key.id,
                user: key.owner.userName,
                status: key.status,
                createdAt: new Date(key.createdAt).toISOString(),
                ...(key.lastUsed === undefined ? {} : { lastUsedAt: new Date(key.lastUsed.at).toISOString() }),
              },
            ],
      ),
    })),
  };
}
