import fc from 'fast-check';

const NODES = ['n1', 'n2', 'n3'];
const ROLES = ['web', 'db'];
const ITEMS = ['one', 'two'];

const node = fc.constantFrom(...NODES);
const role = fc.constantFrom(...ROLES);
const item = fc.constantFrom(...ITEMS);
const admin = fc.constantFrom('bob', 'carol');
const field = fc.constantFrom('a', 'b');
const values = fc.dictionary(field, fc.nat(3), { minKeys: 1, noNullPrototype: true });
/** Which of the admins signs. */
const signer = fc.nat(2);
const how = { signer, accept: fc.boolean(), cleanUnknown: fc.boolean() };

/** One command. What cannot be done as things are, as adding a node that is there, is passed over. */
export const step = fc.oneof(
  { weight: 3, arbitrary: fc.record({ do: fc.constant('node add' as const), node, role }) },
  fc.record({ do: fc.constant('node remove' as const), node }),
  fc.record({ do: fc.constant('node rekey' as const), node }),
  fc.record({ do: fc.constant('node role' as const), node, role }),
  { weight: 3, arbitrary: fc.record({ do: fc.constant('create' as const), item, values, role: fc.option(role), clients: fc.subarray(NODES), admins: fc.option(fc.subarray(['bob', 'carol'])), ...how }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('update' as const), item, values, replace: fc.boolean(), ...how }) },
  fc.record({ do: fc.constant('query' as const), item, role: fc.option(role), ...how }),
  fc.record({ do: fc.constant('name' as const), item, clients: fc.subarray(NODES), admins: fc.subarray(['bob', 'carol']), ...how }),
  fc.record({ do: fc.constant('remove' as const), item, clients: fc.subarray(NODES), admins: fc.subarray(['bob', 'carol']), fields: fc.subarray(['a', 'b']), ...how }),
  { weight: 3, arbitrary: fc.record({ do: fc.constant('refresh' as const), ...how }) },
  fc.record({ do: fc.constant('rotate' as const), ...how }),
  fc.record({ do: fc.constant('evict node' as const), node, ...how }),
  fc.record({ do: fc.constant('evict admin' as const), admin }),
  { weight: 2, arbitrary: fc.record({ do: fc.constant('admin add' as const), admin }) },
  fc.record({ do: fc.constant('admin remove' as const), admin }),
  fc.record({ do: fc.constant('delete' as const), item }),
);
export type Step = typeof step extends fc.Arbitrary<infer T> ? T : never;
