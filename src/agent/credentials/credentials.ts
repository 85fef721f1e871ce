import { join } from 'node:path';
import type { Component } from '../component.ts';
import { refText, wantedItems, type AgentConfiguration } from '../configuration/configuration.ts';
import { DEFAULT_LIFETIME_MS } from '../configuration/duration.ts';
import type { SessionConfiguration } from '../configuration/schema.ts';
import type { ReportEvent } from '../events.ts';
import type { Follower } from '../following/follower.ts';
import { serveHttp, type HttpHandler, type HttpServer } from '../http/server.ts';
import { digestOfToken, type Consumer } from './consumers.ts';
import { serveAgentUser } from './controlRoute.ts';
import { credentialsPath, serveConsumers } from './endpoint.ts';
import { holdKey, type Holder } from './holder.ts';
import { keepSession, type SessionKeeper, type SessionTools } from './session.ts';
import { openTokenFiles } from './tokenFiles.ts';
import { openUptime } from './uptime.ts';

/** Hands out AWS credentials: to consumers over HTTP on loopback, and to the agent's own user over the control socket. */
export interface Credentials extends Component {
  readonly forAgentUser: HttpHandler;
}

/** A session, and what the configuration says of it: one that stays the same, under the same roster, stays open. */
interface ConfiguredSession {
  readonly configured: string;
  readonly keeper: SessionKeeper;
}

export function openCredentials(report: ReportEvent, now: () => number = Date.now): Credentials {
  const uptime = openUptime();
  const tokenFiles = openTokenFiles();
  let sessions: ReadonlyMap<string, ConfiguredSession> = new Map();
  let holders: ReadonlyMap<string, Holder> = new Map();
  let consumers: readonly Consumer[] = [];
  let server: { readonly configured: number; readonly http: HttpServer } | undefined;

  const open: SessionTools['open'] = async (request, signal) => {
    const { openSession } = await import('../../iam/clientSession.ts');
    return await openSession(request, signal);
  };

  const serve = async (endpoint: AgentConfiguration['endpoint']): Promise<void> => {
    const before = server;
    if (before?.configured === endpoint?.port) return;
    server = endpoint === undefined ? undefined : { configured: endpoint.port, http: await serveHttp({ port: endpoint.port }, serveConsumers(() => consumers, report)) };
    await before?.http.close();
  };

  /** Where one is configured as before, the one that is open; not under another roster, which may not vouch for its key. */
  const sessionOf = (roster: string, configuration: SessionConfiguration): readonly [string, ConfiguredSession] => {
    const [name, configured] = [refText(configuration.item), JSON.stringify({ roster, configuration })];
    const before = sessions.get(name);
    return [name, before?.configured === configured ? before : { configured, keeper: keepSession(configuration, { open, report, now, uptime }) }];
  };

  return {
    forAgentUser: serveAgentUser(() => holders, report),

    async apply(configuration, follower) {
      const { endpoint, credentials, runtime_directory: runtime } = configuration;
      const tokens = await tokenFiles.ensure(endpoint?.consumers ?? [], join(runtime, 'tokens'));
      await serve(endpoint);
      const before = sessions;
      sessions = new Map(credentials.flatMap((each) => (each.mode === 'session' ? [sessionOf(configuration.roster, each)] : [])));
      holders = holdersOf(configuration, follower, sessions, now);
      consumers = (endpoint?.consumers ?? []).map(({ name, items }) => ({
        name,
        digest: digestOfToken(tokens.get(name) ?? ''),
        holders: new Map(items.flatMap((ref) => {
          const holder = holders.get(refText(ref));
          return holder === undefined ? [] : [[credentialsPath(ref), holder]];
        })),
      }));
      for (const { content } of follower.states) if (content !== undefined) sessions.get(refText(content))?.keeper.take(content);
      const kept = new Set(sessions.values());
      await Promise.all([...before.values()].filter((each) => !kept.has(each)).map(({ keeper }) => keeper.stop()));
      await tokenFiles.removeOthers();
    },

    changed(contents) {
      for (const content of contents) sessions.get(refText(content))?.keeper.take(content);
    },

    problems() {
      const handedOut = new Set(consumers.flatMap((consumer) => [...consumer.holders.values()]));
      return [...holders].flatMap(([subject, holder]) => {
        const problem = sessions.has(subject) || handedOut.has(holder) ? holder.problem : undefined;
        return problem === undefined ? [] : [{ subject, code: problem.code, message: problem.message }];
      });
    },

    credentials: () => [...sessions.values()].map(({ keeper: { ref, end, problem } }) => ({ ref, mode: 'session', expiration: end, problem })),

    async stop() {
      await server?.http.close();
      await Promise.all([...sessions.values()].map(({ keeper }) => keeper.stop()));
    },
  };
}

/** By `vault/item`, of every item that the configuration names. */
function holdersOf(configuration: AgentConfiguration, follower: Follower, sessions: ReadonlyMap<string, ConfiguredSession>, now: () => number): ReadonlyMap<string, Holder> {
  const lifetimes = new Map(configuration.credentials.map(({ item, lifetime }) => [refText(item), lifetime]));
  return new Map(wantedItems(configuration).map((ref) => {
    const name = refText(ref);
    return [name, sessions.get(name)?.keeper ?? holdKey(ref, lifetimes.get(name) ?? DEFAULT_LIFETIME_MS, follower, now)];
  }));
}
