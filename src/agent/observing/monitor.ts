import type { Component } from '../component.ts';
import type { AgentEvent, ReportEvent } from '../events.ts';
import { serveHttp, type HttpServer } from '../http/server.ts';
import { isFollowing } from '../liveness.ts';
import type { AgentStatus } from '../status.ts';
import { knownError } from '../unexpected.ts';
import type { Metrics } from './metrics.ts';
import { monitorPages, type Reason } from './pages.ts';

/** Health and metrics on a port of this machine, where the configuration has one. */
export interface Monitor extends Component {
  /** Events are counted from here on, before the port is there. */
  begin(): Promise<void>;
  observe(event: AgentEvent): void;
}

export interface MonitorOptions {
  readonly version: string;
  /** Undefined until the agent has begun. */
  readonly status: () => AgentStatus | undefined;
  readonly report: ReportEvent;
}

export function openMonitor({ version, status, report }: MonitorOptions): Monitor {
  let metrics: Metrics | undefined;
  let isAlive: () => boolean = () => true;
  let server: { readonly configured: number; readonly http: HttpServer } | undefined;

  const begin = async (): Promise<void> => {
    const { openMetrics } = await import('./metrics.ts');
    metrics ??= await openMetrics(version);
  };

  const answer = monitorPages({
    health: () => (isAlive() ? [] : [{ code: 'source-not-followed', count: 1 }]),
    readiness: () => ({ reasons: reasonsOf(status()) }),
    metrics: () => metrics?.render(status()) ?? Promise.resolve(''),
  });

  return {
    begin,
    observe(event) { metrics?.observe(event); },
    async apply(next, follower) {
      const before = server;
      const port = next.monitor?.port;
      if (port !== before?.configured) {
        if (port !== undefined) await begin();
        server = port === undefined ? undefined : {
          configured: port,
          http: await serveHttp({ port }, ({ path }) => answer(path), (error, request) => { report({ type: 'request-failed', request, error: knownError(error) }); }),
        };
        if (server !== undefined) report({ type: 'monitor-listening', port: server.http.port ?? 0 });
        await before?.http.close();
      }
      isAlive = () => isFollowing(follower, next);
    },
    changed: () => undefined,
    problems: () => [],
    async stop() { await server?.http.close(); },
  };
}

function reasonsOf(status: AgentStatus | undefined): readonly Reason[] {
  if (status === undefined) return [{ code: 'starting', count: 1 }];
  if (status.ready) return [];
  const codes = [
    ...status.items.filter(({ generation }) => generation === null).map(({ error }) => error?.code ?? status.source.error?.code ?? 'item-not-verified'),
    ...status.problems.map(({ code }) => code),
  ];
  return [...new Set(codes)].map((code) => ({ code, count: codes.filter((each) => each === code).length }));
}
