import * as Args from '@oclif/core/args';
import * as Flags from '@oclif/core/flags';
import { VaultCommand } from '../../cli/vaultCommand.ts';
import { repositoryFlags } from '../../cli/flags.ts';
import { nodeFlags, nodeMembers } from '../../cli/nodeFlags.ts';
import { VaultError } from '../../errors.ts';
import { readRegularFile } from '../../files/read.ts';
import { addNode } from '../../operations/nodes.ts';
import { requireRoster } from '../../operations/workspace.ts';
import { parsePublicKey, parseSigningKey, type PublicKey } from '../../sealing/publicKey.ts';

const DONE = { added: 'Added', replaced: 'Replaced', rekeyed: 'Replaced the key of' } as const;

export default class NodeAdd extends VaultCommand {
  static override summary = 'Add a node, with the public key that items are sealed to.';
  static override examples = [
    '<%= config.bin %> node add web01 --key vaultseal1… --role web --environment production',
    '<%= config.bin %> node add web02 --key-file /etc/ssh/ssh_host_ed25519_key.pub --run-list "role[web],recipe[nginx]" --tag canary',
  ];
  static override args = { name: Args.string({ required: true, description: 'name of the node' }) };
  static override flags = {
    key: Flags.string({ helpValue: 'LINE', description: 'public key: vaultseal1…, ssh-ed25519 … or age1…', exactlyOne: ['key', 'key-file'] }),
    'key-file': Flags.string({ helpValue: 'FILE', description: 'file that holds the public key line' }),
    'signing-key': Flags.string({ helpValue: 'LINE', description: 'vaultsign1… line of "vault key show", by which its reports are verified; an SSH key is its own' }),
    ...nodeFlags,
    force: Flags.boolean({ description: 'replace the key of a node that is there already, and what else is named; the rest stays' }),
    ...repositoryFlags,
  };

  override async run(): Promise<void> {
    const { args, flags } = await this.parse(NodeAdd);
    const output = this.output(flags);
    const workspace = await this.workspace(output, flags);
    await requireRoster(workspace);
    const { store } = workspace;
    const node = await addNode(store, {
      name: args.name,
      publicKey: await this.readKey(flags.key, flags['key-file']),
      signingKey: flags['signing-key'] === undefined ? undefined : parseSigningKey(flags['signing-key']),
      ...nodeMembers(flags),
      replace: flags.force,
    });
    output.result({ name: node.name, key_type: node.key_type, fingerprint: node.fingerprint }, `${DONE[node.was]} ${node.name}: ${node.key_type ?? ''} key ${node.fingerprint ?? ''}`);
    if (node.sameKey.length > 0) output.alert(`${node.sameKey.join(', ')} ${node.sameKey.length === 1 ? 'has' : 'have'} the same key: whoever holds it opens what is sealed to any of them.`);
  }

  private async readKey(line: string | undefined, path: string | undefined): Promise<PublicKey> {
    if (path === undefined) return parsePublicKey(line ?? '');
    const file = await readRegularFile(path, { maxBytes: 1 << 14, followLink: true });
    if (file === undefined) throw new VaultError('input-unreadable', `There is no file ${path}.`, { details: { source: path } });
    return parsePublicKey(new TextDecoder().decode(file.bytes));
  }
}
