import * as Flags from '@oclif/core/flags';
import { resolve } from 'node:path';
import type { Environment } from '../config/environment.ts';
import type { VaultConfig } from '../config/repository.ts';
import { FORMAT } from '../sealing/encoding.ts';

const helpGroup = 'ETCD';
const dependsOn = ['etcd'];

/** For a command that makes a repository which is kept in etcd. */
export const etcdFlags = {
  'etcd': Flags.string({ multiple: true, multipleNonGreedy: true, helpValue: 'URL', helpGroup, description: 'keep the documents in this etcd, not in files; once for each member', dependsOn: ['etcd-prefix'] }),
  'etcd-prefix': Flags.string({ helpValue: 'PREFIX', helpGroup, description: 'what its keys begin with, as /iam-vault/production/', dependsOn }),
  'etcd-ca': Flags.string({ helpValue: 'FILE', helpGroup, description: 'certificates that sign etcd\'s [default: those that Node trusts]', dependsOn }),
  'etcd-cert': Flags.string({ helpValue: 'FILE', helpGroup, description: 'client certificate', dependsOn: ['etcd', 'etcd-key'] }),
  'etcd-key': Flags.string({ helpValue: 'FILE', helpGroup, description: 'private key of --etcd-cert', dependsOn: ['etcd', 'etcd-cert'] }),
  'etcd-credentials': Flags.string({ helpValue: 'FILE', helpGroup, description: 'JSON file, yours alone, with endpoints, user and password', dependsOn }),
};

interface EtcdFlags {
  readonly 'etcd'?: readonly string[] | undefined;
  readonly 'etcd-prefix'?: string | undefined;
  readonly 'etcd-ca'?: string | undefined;
  readonly 'etcd-cert'?: string | undefined;
  readonly 'etcd-key'?: string | undefined;
  readonly 'etcd-credentials'?: string | undefined;
}

/** What vault.json shall hold; undefined where no etcd is named. Files are named from the root, or, as they were given, from the home (`~/`). */
export function etcdConfig(flags: EtcdFlags, environment: Environment): VaultConfig | undefined {
  if (flags.etcd === undefined) return undefined;
  const place = (path: string | undefined): string | undefined => (path === undefined || path.startsWith('~/') ? path : resolve(environment.cwd, path));
  const tls = { ca_file: place(flags['etcd-ca']), cert_file: place(flags['etcd-cert']), key_file: place(flags['etcd-key']) };
  return {
    format: FORMAT,
    store: {
      engine: 'etcd', endpoints: [...flags.etcd], prefix: flags['etcd-prefix'] ?? '', credentials_file: place(flags['etcd-credentials']),
      ...(Object.values(tls).every((path) => path === undefined) ? {} : { tls }),
    },
  };
}
