/** Which way imports may point: docs/architecture.md, "Which way imports may point". */
const TESTS = '(\\.test|\\.testing)\\.ts$';

/** A room may import itself, the rooms listed, and the files at the root of src that every room may use. */
const EVERYWHERE = ['^src/(errors|names|secret)\\.ts$', '^src/json/'];
const rooms = {
  search: [],
  json: [],
  files: [],
  sealing: [],
  trust: ['sealing'],
  items: ['sealing', 'trust'],
  workers: ['items', 'sealing'],
  inventory: ['sealing', 'trust'],
  joining: ['sealing', 'trust'],
  policy: [],
  iam: ['policy', 'sealing', 'config/awsProfile\\.ts$'],
  git: ['sealing'],
  scanning: [],
  stores: ['items', 'sealing', 'files'],
  state: ['files', 'sealing', 'trust', 'iam/(accessKey|observe)\\.ts$'],
  refresher: ['operations', 'items', 'inventory', 'joining', 'search', 'sealing', 'trust', 'state', 'workers', 'stores/\\w+\\.ts$', 'agent/(http/server|observing/(lineQueue|pages|registry)|following/backoff|configuration/duration|unexpected)\\.ts$'],
  config: ['refresher/policy\\.ts$', 'files', 'sealing', 'stores', 'agent', 'state/stateDirectory\\.ts$'],
  processes: ['files'],
  agent: ['processes', 'items', 'sealing', 'iam/clientSession\\.ts$', 'trust', 'inventory', 'state', 'files', 'stores/(store|live|reports)\\.ts$', 'stores/etcd/address\\.ts$', 'names\\.ts$'],
  operations: ['joining', 'workers', 'git', 'iam', 'items', 'inventory', 'search', 'policy', 'trust', 'sealing', 'state', 'files', 'scanning', 'stores/\\w+\\.ts$', 'config/repository\\.ts$'],
  reporting: ['agent/(events|status|observing/log|configuration/schema)\\.ts$', 'operations', 'iam/plan\\.ts$', 'items/fieldValues\\.ts$', 'policy', 'search', 'sealing', 'trust'],
  completion: ['config', 'files', 'stores/store\\.ts$'],
  library: ['operations', 'config', 'state', 'items/accessKey\\.ts$'],
  cli: ['refresher', 'agent', 'items/(fieldValues|valueFormats)\\.ts$', 'processes', 'completion', 'operations', 'config', 'reporting', 'policy', 'sealing', 'state', 'files', 'items/accessKey\\.ts$', 'iam/client\\.ts$'],
  commands: ['joining/token\\.ts$', 'agent', 'processes', 'cli', 'completion', 'operations', 'config', 'reporting', 'files', 'items/valueFormats\\.ts$', 'sealing', 'state', 'stores', 'sandbox'],
};

const directions = Object.entries(rooms).map(([room, allowed]) => ({
  name: `${room}-imports`,
  comment: `src/${room} may import only ${allowed.length === 0 ? 'itself' : allowed.join(', ')}, and what every room may use`,
  severity: 'error',
  from: { path: `^src/${room}/`, pathNot: TESTS },
  to: {
    path: '^src/',
    pathNot: [`^src/${room}/`, ...EVERYWHERE, ...allowed.map((each) => (each.endsWith('$') ? `^src/${each}` : `^src/${each}/`))],
  },
}));

/** Packages and built-in modules that one place alone may import. */
function onlyFrom(name, target, from) {
  return { name: `only-${name}`, severity: 'error', from: { path: '^src/', pathNot: [from, TESTS] }, to: { path: target } };
}

module.exports = {
  forbidden: [
    ...directions,
    {
      name: 'sandbox-alone',
      comment: 'The sandbox shares nothing with what it is used to test',
      severity: 'error',
      from: { path: '^src/sandbox/', pathNot: TESTS },
      to: { path: '^src/', pathNot: '^src/sandbox/' },
    },
    { name: 'no-cycles', severity: 'error', from: { path: '^src/' }, to: { circular: true, viaOnly: { dependencyTypesNot: ['type-only'] } } },
    onlyFrom('sodium', 'node_modules/libsodium', '^src/sealing/sodium(Start)?\\.ts$'),
    onlyFrom('aws-sdk', 'node_modules/(@aws-sdk|@smithy)/', '^src/iam/(client\\w*|retryPolicy|awsErrors)\\.ts$'),
    onlyFrom('scanner', 'node_modules/@secretlint/', '^src/scanning/'),
    onlyFrom('grpc', 'node_modules/(@grpc|protobufjs)/', '^src/stores/etcd/(client|messages)\\.ts$'),
    onlyFrom('native-lock', 'node_modules/fs-native-extensions/', '^src/files/lock\\.ts$'),
    onlyFrom('file-system', '^(node:)?fs(/promises)?$', '^src/(files/|config/repository\\.ts$|sandbox/|config/aws)'),
    {
      name: 'pure-rooms',
      comment: 'No file, network, environment or clock of their own',
      severity: 'error',
      from: { path: '^src/(sealing|items|trust|inventory|joining|search|policy|json|scanning)/|^src/iam/plan\\.ts$', pathNot: TESTS },
      to: { dependencyTypes: ['core'], pathNot: '^(node:)?(util|buffer)$' },
    },
    { name: 'no-orphans', severity: 'error', from: { orphan: true, path: '^src/', pathNot: ['\\.d\\.ts$', '^src/(index|aws)\\.ts$', '^src/commands/', TESTS] }, to: {} },
    { name: 'no-dev-dependencies', severity: 'error', from: { path: '^src/', pathNot: TESTS }, to: { dependencyTypes: ['npm-dev'], dependencyTypesNot: ['type-only'], pathNot: 'node_modules/@types/' } },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    enhancedResolveOptions: { exportsFields: ['exports'], conditionNames: ['import', 'types', 'node', 'default'] },
  },
};
