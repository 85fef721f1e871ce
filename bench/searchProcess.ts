// Measured by search.ts, as a process of its own: 100,000 nodes, loaded one by one as from a repository, then one query.
import { compileQuery } from '../src/search/compile.ts';
import { createFlatten, type NodeObject } from '../src/search/flatten.ts';
import { parseQuery } from '../src/search/parse.ts';

const NODES = 100_000;
const QUERY = 'role:web AND (chef_environment:production OR tags:blue) AND NOT platform:windows AND kernel_release:5.1*';

/** A node with what a search is likely to look at. */
function nodeObject(i: number): NodeObject {
  const roles = [['web', 'db', 'cache', 'queue'][i % 4] ?? '', 'base'];
  const address = `10.${String(i >> 16)}.${String((i >> 8) & 255)}.${String(i & 255)}`;
  return {
    name: `node${String(i)}.example.com`, chef_environment: i % 3 === 0 ? 'production' : 'staging', run_list: roles.map((role) => `role[${role}]`),
    normal: { tags: i % 5 === 0 ? ['blue', `rack${String(i % 40)}`] : [`rack${String(i % 40)}`] },
    automatic: {
      roles, recipes: roles.flatMap((role) => [role, `${role}::default`]), hostname: `node${String(i)}`, fqdn: `node${String(i)}.example.com`, ipaddress: address,
      platform: i % 50 === 0 ? 'windows' : 'debian', platform_version: i % 2 === 0 ? '12.8' : '11.11', kernel: { name: 'Linux', release: `5.1${String(i % 10)}.0-28-amd64`, machine: 'x86_64' },
      memory: { total: `${String(1_000_000 + (i % 7) * 4096)}kB`, swap: { total: '0kB' } }, cpu: { total: 4 + (i % 4), real: 2, model_name: 'EPYC' },
      network: { default_interface: 'eth0', interfaces: { eth0: { addresses: { [address]: { family: 'inet' } } } } }, ohai_time: 1_790_000_000 + i,
    },
  };
}

const flatten = createFlatten();
const nodes = Array.from({ length: NODES }, (_, i) => flatten(nodeObject(i)));
const start = performance.now();
const matches = compileQuery(parseQuery(QUERY));
const found = nodes.filter(matches).length;
const milliseconds = performance.now() - start;
process.stdout.write(JSON.stringify({ milliseconds, found, mebibytes: process.resourceUsage().maxRSS / 1024 }));
