import type { IncomingHttpHeaders } from 'node:http';
import { isVaultError, type VaultError } from '../../errors.ts';
import type { ItemRef } from '../../sealing/dataKey.ts';
import { refText } from '../configuration/configuration.ts';
import type { ReportEvent } from '../events.ts';
import type { HttpHandler, HttpReply, HttpRequest } from '../http/server.ts';
import { consumerOf, type Consumer } from './consumers.ts';
import { containerText, type Issued } from './issued.ts';

/** Where an item's credentials are: `/v1/credentials/VAULT/ITEM`. */
export function credentialsPath(ref: ItemRef): string {
  return `${CREDENTIALS}${refText(ref)}`;
}

export const CREDENTIALS = '/v1/credentials/';

/** Refusals that are reported one by one, in each second; the rest of a storm are counted. */
const REPORTED_A_SECOND = 10;

/** Answers what SDKs ask of AWS_CONTAINER_CREDENTIALS_FULL_URI. @param consumers as they are now */
export function serveConsumers(consumers: () => readonly Consumer[], report: ReportEvent): HttpHandler {
  const refuse = openRefusals(report);
  const reply = ({ prepared, expiration }: Issued, consumer: Consumer, request: HttpRequest): HttpReply => {
    const { vault, item, generation, accessKeyId, mode } = prepared;
    report({ type: 'credentials-served', consumer: consumer.name, vault, item, generation, accessKeyId, mode, expiration, request: request.id });
    return { status: 200, body: containerText({ prepared, expiration }) };
  };
  return (request) => {
    const { headers, path } = request;
    if (isFromBrowser(headers)) return refuse(request, 403, 'Forbidden', 'Web pages are not served.');
    const consumer = consumerOf(headers.authorization ?? '', consumers());
    if (consumer === undefined) return refuse(request, 401, 'Unauthorized', 'The Authorization header must be the token of a consumer.');
    const holder = consumer.holders.get(path) ?? consumer.holders.get(decoded(path));
    // The same whether there is such an item or not.
    if (holder === undefined) return refuse(request, 403, 'Forbidden', 'This token gives nothing at that path.');
    const fail = (error: unknown): HttpReply => {
      if (!isVaultError(error)) throw error;
      return refuse(request, 503, 'Unavailable', `There are no credentials now: ${error.code}. The log of the agent says more under ${request.id}.`, error);
    };
    try {
      const issued = holder.issue();
      return issued instanceof Promise ? issued.then((value) => reply(value, consumer, request), fail) : reply(issued, consumer, request);
    } catch (error) {
      return fail(error);
    }
  };
}

/** A browser says so itself, where a page asks; programs with an SDK do not. */
function isFromBrowser(headers: IncomingHttpHeaders): boolean {
  return headers.origin !== undefined || headers['sec-fetch-site'] !== undefined || headers['sec-fetch-mode'] !== undefined;
}

/** Some clients escape what need not be. */
function decoded(path: string): string {
  try {
    return decodeURIComponent(path);
  } catch {
    return path;
  }
}

/** Replies of the form that the SDKs read, each reported, but for a storm of them. */
function openRefusals(report: ReportEvent): (request: HttpRequest, status: number, code: string, message: string, error?: VaultError) => HttpReply {
  let second = 0;
  let reported = 0;
  let unreported = 0;
  return ({ id }, status, code, message, error) => {
    const now = Math.floor(performance.now() / 1000);
    if (now !== second) [second, reported] = [now, 0];
    if (reported < REPORTED_A_SECOND) {
      report({ type: 'request-refused', status, reason: error?.message ?? message, request: id, ...(unreported === 0 ? {} : { unreported }) });
      reported++;
      unreported = 0;
    } else {
      unreported++;
    }
    return { status, body: `${JSON.stringify({ Code: code, Message: message })}\n` };
  };
}
