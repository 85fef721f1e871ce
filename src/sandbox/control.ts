import * as z from 'zod';
import { faultsChangeSchema } from './faults.ts';
import type { Sandbox, SandboxReply } from './sandbox.ts';

/** Where the sandbox's own switches are; everything else is AWS. */
export const CONTROL_PATH = '/_sandbox/';

/** A long poll is answered after so long at the latest, with what there is: nothing. */
const LONGEST_WAIT_MS = 60_000;

const releaseSchema = z.strictObject({ id: z.int().optional(), drop: z.boolean().optional() });

export interface ControlRequest {
  readonly method: string;
  readonly path: string;
  readonly contentType: string | undefined;
  readonly body: string;
}

/**
 * Answers, in JSON:
 * - `GET /_sandbox/state`: a StateSummary
 * - `GET /_sandbox/calls`: `{"calls":[Call]}`
 * - `GET /_sandbox/faults`, `POST /_sandbox/faults` with a FaultsChange: Faults
 * - `GET /_sandbox/held`: `{"held":[HeldCall]}`; with `?wait=1` once a call is held, or after a minute
 * - `POST /_sandbox/release` with a Release: `{"released":number}`
 */
export async function control(sandbox: Sandbox, request: ControlRequest, clientGone: AbortSignal): Promise<SandboxReply> {
  const url = new URL(request.path, 'http://localhost');
  const route = `${request.method} ${url.pathname.slice(CONTROL_PATH.length)}`;
  switch (route) {
    case 'GET state':
      return json(200, sandbox.summary());
    case 'GET calls':
      return json(200, { calls: sandbox.calls() });
    case 'GET faults':
      return json(200, sandbox.faults());
    case 'POST faults':
      return change(request, (body) => sandbox.setFaults(faultsChangeSchema.parse(body)));
    case 'GET held': {
      const patience = AbortSignal.any([clientGone, AbortSignal.timeout(LONGEST_WAIT_MS)]);
      return json(200, { held: url.searchParams.has('wait') ? await sandbox.waitForHeld(patience) : sandbox.held() });
    }
    case 'POST release':
      return change(request, (body) => ({ released: sandbox.release(releaseSchema.parse(body)) }));
    default:
      return json(404, { error: `${request.method} ${url.pathname} is not one of the sandbox's own requests.` });
  }
}

function change(request: ControlRequest, apply: (body: unknown) => unknown): SandboxReply {
  // A web page can send a form or plain text to loopback unasked, but not JSON.
  if (!/^application\/json *(;|$)/i.test(request.contentType ?? '')) return json(415, { error: 'The body must be application/json.' });
  let body: unknown;
  try {
    body = JSON.parse(request.body === '' ? '{}' : request.body);
  } catch {
    return json(400, { error: 'The body is not JSON.' });
  }
  try {
    return json(200, apply(body));
  } catch (thrown) {
    if (!(thrown instanceof z.ZodError)) throw thrown;
    return json(400, { error: thrown.issues.map((issue) => `${issue.path.join('.')}: ${issue.message}`).join('; ') });
  }
}

function json(status: number, value: unknown): SandboxReply {
  return { kind: 'reply', status, headers: { 'content-type': 'application/json' }, body: `${JSON.stringify(value)}\n` };
}
