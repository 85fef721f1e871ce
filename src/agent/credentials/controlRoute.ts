import { isVaultError } from '../../errors.ts';
import type { ReportEvent } from '../events.ts';
import type { HttpHandler, HttpReply } from '../http/server.ts';
import { CREDENTIALS } from './endpoint.ts';
import type { Holder } from './holder.ts';
import { processText, type Issued } from './issued.ts';

/** As the consumer in the audit trail: no consumer in a configuration can have this name. */
const AGENT_USER = '(agent user)';

/** Answers `vault agent credential-process`, of the agent's own user. @param holders by `vault/item`, as they are now */
export function serveAgentUser(holders: () => ReadonlyMap<string, Holder>, report: ReportEvent): HttpHandler {
  return async ({ path, id }) => {
    const holder = path.startsWith(CREDENTIALS) ? holders().get(path.slice(CREDENTIALS.length)) : undefined;
    if (holder === undefined) return failure(404, { code: 'item-not-found', message: 'The agent has no such item.', hint: 'Name it in the agent\'s configuration, in "items" or "credentials".' });
    let issued: Issued;
    try {
      issued = await holder.issue();
    } catch (error) {
      if (!isVaultError(error)) throw error;
      return failure(503, error);
    }
    const { vault, item, generation, accessKeyId, mode } = issued.prepared;
    report({ type: 'credentials-served', consumer: AGENT_USER, vault, item, generation, accessKeyId, mode, expiration: issued.expiration, request: id });
    return { status: 200, body: processText(issued) };
  };
}

function failure(status: number, { code, message, hint }: { readonly code: string; readonly message: string; readonly hint: string | undefined }): HttpReply {
  return { status, body: `${JSON.stringify({ error: { code, message, hint } })}\n` };
}
