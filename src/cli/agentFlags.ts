import * as Flags from '@oclif/core/flags';
import { DEFAULT_AGENT_FILE } from '../config/agentPlace.ts';

/** For commands that go by the agent's configuration. */
export const agentFlags = {
  config: Flags.string({ char: 'c', helpValue: 'FILE', default: DEFAULT_AGENT_FILE, description: 'configuration of the agent' }),
};
