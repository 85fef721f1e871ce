import { refusal, type HttpReply } from '../http/server.ts';

/** Metrics are the same for whoever asks within this time, in milliseconds. */
const FRESH_MS = 1000;

/** Why something is not so: whoever asks may be anybody on this machine, so codes and numbers alone, no names. */
export interface Reason { readonly code: string; readonly count: number }

export interface MonitorPages {
  /** Why another start would help; empty: none. */
  health(): readonly Reason[];
  /** Why it is not ready, empty where it is, and what else is told of it. */
  readiness(): { readonly reasons: readonly Reason[]; readonly more?: object };
  /** In Prometheus' text format. */
  metrics(): Promise<string>;
}

/** Health, readiness and metrics: what a monitor's port answers. @returns the answer to a path */
export function monitorPages({ health, readiness, metrics }: MonitorPages): (path: string) => Promise<HttpReply> {
  /** Anybody on this machine may ask, as often as they like, and a rendering takes long: one at a time, for all who ask. */
  let rendered: Promise<Uint8Array> | undefined;
  const render = (): Promise<Uint8Array> => rendered ??= metrics().then((text) => new TextEncoder().encode(text)).finally(() => {
    setTimeout(() => { rendered = undefined; }, FRESH_MS).unref();
  });
  return async (path) => {
    switch (path) {
      case '/healthz': {
        const reasons = health();
        return json(reasons.length === 0, { healthy: reasons.length === 0, ...(reasons.length === 0 ? {} : { reasons }) });
      }
      case '/readyz': {
        const { reasons, more } = readiness();
        return json(reasons.length === 0, { ready: reasons.length === 0, ...more, ...(reasons.length === 0 ? {} : { reasons }) });
      }
      case '/metrics': return { status: 200, type: 'text/plain; version=0.0.4; charset=utf-8', body: await render() };
      default: return refusal(404, 'there are /healthz, /readyz and /metrics here');
    }
  };
}

function json(isGood: boolean, value: object): HttpReply {
  return { status: isGood ? 200 : 503, body: `${JSON.stringify(value)}\n` };
}
