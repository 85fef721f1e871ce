import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { delimiter, join } from 'node:path';

/** Programs and modules that some tests are held against, and how to get them. */
const INSTALL = {
  moto_server: "pip install 'moto[server]'",
  aws: 'pip install awscli',
  'python3 boto3': 'pip install boto3',
  age: 'apt-get install age',
  'age-keygen': 'apt-get install age',
  'ssh-keygen': 'apt-get install openssh-client',
  python3: 'apt-get install python3',
  'python3 nacl': 'pip install pynacl (or apt-get install python3-nacl)',
} as const;

export type Peer = keyof typeof INSTALL;

/**
 * Why a test that needs `peer` is skipped; false where it is there. In CI nothing is skipped: a missing peer throws.
 */
export function skipWithout(peer: Peer): string | false {
  if (isThere(peer)) return false;
  const reason = `skipped: needs ${peer}, install it with ${INSTALL[peer]}`;
  if (process.env['CI'] === 'true') throw new Error(reason);
  return reason;
}

function isThere(peer: Peer): boolean {
  if (peer === 'python3 boto3') return spawnSync('python3', ['-c', 'import boto3']).status === 0;
  if (peer === 'python3 nacl') return spawnSync('python3', ['-c', 'import nacl.bindings']).status === 0;
  return (process.env['PATH'] ?? '').split(delimiter).some((directory) => directory !== '' && existsSync(join(directory, peer)));
}
