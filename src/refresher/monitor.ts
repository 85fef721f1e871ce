import { refusal, serveHttp, type HttpReply, type HttpServer } from '../agent/http/server.ts';
import { knownError } from '../agent/unexpected.ts';
import type { RefresherEvent, ReportRefresherEvent } from './events.ts';
import type { RefresherMetrics } from './metrics.ts';
import type { RefresherStatus } from './refresher.ts';

/** Health and metrics on a port of this machine, where the policy has one. */
export interface RefresherMonitor {
  observe(event: RefresherEvent): void;
  /** @param port undefined for none */
  listen(port: number | undefined): Promise<void>;
  stop(): Promise<void>;
}

/** Metrics are the same for whoever asks within this time, in milliseconds. */
const FRESH_MS = 1000;

export function openRefresherMonitor(version: string, status: () => RefresherStatus | undefined, report: ReportRefresherEvent): RefresherMonitor {
  let metrics: RefresherMetrics | undefined;
  let server: { readonly asked: number; readonly http: HttpServer } | undefined;
  let rendered: Promise<Uint8Array> | undefined;

  const render = (): Promise<Uint8Array> => rendered ??= (metrics?.render(status()) ?? Promise.resolve('')).then((text) => new TextEncoder().encode(text)).finally(() => {
    setTimeout(() => { rendered = undefined; }, FRESH_MS).unref();
  });
  const answer = async (path: string): Promise<HttpReply> => {
    switch (path) {
      // That it answers says that it is alive: what is wrong elsewhere, another start does not mend.
      case '/healthz': return json(200, { healthy: true });
      case '/readyz': {
        const reasons = reasonsOf(status());
        return json(reasons.length === 0 ? 200 : 503, { ready: reasons.length === 0, elected: status()?.term !== undefined, reasons });
      }
      case '/metrics': return { status: 200, type: 'text/plain; version=0.0.4; charset=utf-8', body: await render() };
      default: return refusal(404, 'there are /healthz, /readyz and /metrics here');
    }
  };

  return {
    observe(event) { metrics?.observe(event); },
    async listen(port) {
      if (port === server?.asked) return;
      const before = server;
      server = undefined;
      await before?.http.close();
      if (port === undefined) return;
      const { openRefresherMetrics } = await import('./metrics.ts');
      metrics ??= await openRefresherMetrics(version);
      const http = await serveHttp({ port }, ({ path }) => answer(path), (error, request) => { report({ type: 'request-failed', request, error: knownError(error) }); });
      server = { asked: port, http };
      report({ type: 'monitor-listening', port: http.port ?? 0 });
    },
    async stop() { await server?.http.close(); },
  };
}

/** Whoever can ask here may be anybody on this machine: codes alone, no names. */
function reasonsOf(status: RefresherStatus | undefined): { code: string; count: number }[] {
  if (status === undefined) return [{ code: 'starting', count: 1 }];
  const { term, problem } = status;
  const found = problem ?? term?.problem;
  return [
    ...(found === undefined ? [] : [{ code: found.code, count: 1 }]),
    ...(term === undefined || term.isLoaded ? [] : [{ code: 'loading', count: 1 }]),
    ...(term === undefined || term.failing === 0 ? [] : [{ code: 'items-failing', count: term.failing }]),
    ...(term === undefined || term.held === 0 ? [] : [{ code: 'retirements-held', count: term.held }]),
  ];
}

function json(status: number, value: object): HttpReply {
  return { status, body: `${JSON.stringify(value)}\n` };
}
