import * as Flags from '@oclif/core/flags';

/** For commands that work on a repository. */
export const repositoryFlags = {
  repository: Flags.string({ char: 'r', helpValue: 'DIR', description: 'root of the vault repository [default: VAULT_REPOSITORY, or upward from here]' }),
  pin: Flags.string({ helpValue: 'FINGERPRINT', description: 'refuse the repository unless its roster has a version with this fingerprint' }),
};

/** For commands that open or sign. */
export const identityFlags = {
  identity: Flags.string({ char: 'i', helpValue: 'FILE', description: 'private key to use [default: VAULT_IDENTITY, or the first of the usual places that fits]' }),
};

/** Flags of the commands that seal items. */
export const sealFlags = {
  'accept-key': Flags.string({ multiple: true, multipleNonGreedy: true, helpValue: 'NAME', description: 'accept the changed public key of this node or admin; may be repeated' }),
  'skip-unsealable': Flags.boolean({ description: 'leave out nodes that match and have no key that can be sealed to' }),
  'allow-empty': Flags.boolean({ description: 'accept a query that selects no node' }),
  ...identityFlags,
  ...repositoryFlags,
};
