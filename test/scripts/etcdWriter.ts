// A writer in a process of its own: writes one generation of a large item that was sealed to many. node --import tsx etcdWriter.ts ENDPOINT PREFIX GENERATION
import { ref } from '../../src/items/example.testing.ts';
import { openEtcdStore } from '../../src/stores/etcd/etcdStore.ts';
import { largeItem } from './largeItem.ts';

const [endpoint = '', prefix = '', generation = '1'] = process.argv.slice(2);
await openEtcdStore('/writer', { endpoints: [endpoint], prefix }).writeItem(ref, largeItem(Number(generation), Number(generation)), Number(generation) - 1);
