import * as Args from '@oclif/core/args';
import * as Flags from '@oclif/core/flags';
import { agentFlags } from '../../cli/agentFlags.ts';
import { credentialsFor } from '../../cli/credentialProcess.ts';
import { identityFlags, repositoryFlags } from '../../cli/flags.ts';
import { VaultCommand } from '../../cli/vaultCommand.ts';

export default class AgentCredentialProcess extends VaultCommand {
  static override summary = 'Print AWS credentials of an item, as a credential_process of an AWS profile does.';
  static override description = `Asks the running agent over its socket, or its endpoint with --token-file. Where no agent runs, the item is opened here: as the agent's configuration says, or as "vault decrypt" does.

There is always an Expiration, so that SDKs ask again and a rotated key spreads. See docs/agent-aws.md.`;
  static override examples = [
    '<%= config.bin %> agent credential-process vault an-aws-account-name_secret-files',
    '<%= config.bin %> agent credential-process --token-file /run/iam-vault/tokens/app vault an-aws-account-name_secret-files',
    'credential_process = vault agent credential-process VAULT ITEM',
  ];
  static override args = {
    vault: Args.string({ required: true, description: 'name of the vault' }),
    item: Args.string({ required: true, description: 'name of the item' }),
  };
  static override flags = {
    ...agentFlags,
    'token-file': Flags.string({ helpValue: 'FILE', description: 'ask the endpoint, as the consumer whose token is in this file', exclusive: ['repository', 'identity', 'pin'] }),
    endpoint: Flags.string({ helpValue: 'URL', description: 'where the endpoint is [default: http://127.0.0.1:9911]', dependsOn: ['token-file'] }),
    ...identityFlags,
    ...repositoryFlags,
  };

  override async run(): Promise<void> {
    const { args, flags, metadata } = await this.parse(AgentCredentialProcess);
    const credentials = await credentialsFor({
      ...args, ...flags, tokenFile: flags['token-file'], environment: this.environment,
      isConfigNamed: metadata.flags.config?.setFromDefault !== true,
      workspace: () => this.workspace(this.output(flags), flags),
    });
    process.stdout.write(`${JSON.stringify(credentials)}\n`);
  }
}
