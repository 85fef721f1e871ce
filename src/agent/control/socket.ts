/** Name of the socket in the runtime directory, over which commands of the agent's own user ask it. */
export const CONTROL_SOCKET = 'agent.sock';
