import type { Component } from '../component.ts';
import type { AgentEvent, ReportEvent } from '../events.ts';
import { refusal, serveHttp, type HttpReply, type HttpServer } from '../http/server.ts';
import { isFollowing } from '../liveness.ts';
import type { AgentStatus } from '../status.ts';
import { knownError } from '../unexpected.ts';
import type { Metrics } from './metrics.ts';

/** Metrics are the same for whoever asks within this time, in milliseconds. */
const FRESH_MS = 1000;

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

  /** Anybody on this machine may ask, as often as they like, and a rendering takes long: one at a time, for all who ask. */
  let rendered: Promise<Uint8Array> | undefined;
  const render = (now: AgentStatus | undefined): Promise<Uint8Array> => {
    rendered ??= (metrics?.render(now) ?? Promise.resolve('')).then((text) => new TextEncoder().encode(text)).finally(() => {
      setTimeout(() => { rendered = undefined; }, FRESH_MS).unref();
    });
    return rendered;
  };

  const answer = async (path: string): Promise<HttpReply> => {
    switch (path) {
      case '/healthz': return isAlive() ? json(200, { healthy: true }) : json(503, { healthy: false, reasons: [{ code: 'source-not-followed', count: 1 }] });
      case '/readyz': return readiness(status());
      case '/metrics': return { status: 200, type: 'text/plain; version=0.0.4; charset=utf-8', body: await render(status()) };
      default: return refusal(404, 'there are /healthz, /readyz and /metrics here');
    }
  };

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

/** Whoever can ask here may be anybody on this machine: codes and numbers, no names. */
function readiness(status: AgentStatus | undefined): HttpReply {
  if (status === undefined) return json(503, { ready: false, reasons: [{ code: 'starting', count: 1 }] });
  if (status.ready) return json(200, { ready: true });
  const codes = [
    ...status.items.filter(({ generation }) => generation === null).map(({ error }) => error?.code ?? status.source.error?.code ?? 'item-not-verified'),
    ...status.problems.map(({ code }) => code),
  ];
  const reasons = [...new Set(codes)].map((code) => ({ code, count: codes.filter((each) => each === code).length }));
  return json(503, { ready: false, reasons });
}

function json(status: number, value: object): HttpReply {
  return { status, body: `${JSON.stringify(value)}\n` };
}
