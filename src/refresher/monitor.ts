import { serveHttp, type HttpServer } from '../agent/http/server.ts';
import { monitorPages, type Reason } from '../agent/observing/pages.ts';
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

export function openRefresherMonitor(version: string, status: () => RefresherStatus | undefined, report: ReportRefresherEvent): RefresherMonitor {
  let metrics: RefresherMetrics | undefined;
  let server: { readonly asked: number; readonly http: HttpServer } | undefined;
  const answer = monitorPages({
    health: () => [], // That it answers says that it is alive: what is wrong elsewhere, another start does not mend.
    readiness: () => ({ reasons: reasonsOf(status()), more: { elected: status()?.term !== undefined } }),
    metrics: () => metrics?.render(status()) ?? Promise.resolve(''),
  });

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

function reasonsOf(status: RefresherStatus | undefined): readonly Reason[] {
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
