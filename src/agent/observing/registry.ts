import type { Counter, Gauge } from 'prom-client';
import { openProcessMetrics } from './processMetrics.ts';

/** Metrics of one process, all of whose names begin with the same words. */
export interface MetricsRegistry {
  counter<L extends string>(name: string, help: string, labelNames?: readonly L[]): Counter<L>;
  gauge<L extends string>(name: string, help: string, labelNames?: readonly L[]): Gauge<L>;
  /** What Prometheus reads: the text format, version 0.0.4. */
  render(): Promise<string>;
}

/**
 * With what every process of ours tells of itself: its version, its memory and its load.
 * @param what as `agent`: names begin with `iam_vault_agent_`
 * @param version of this program
 */
export async function openRegistry(what: 'agent' | 'refresher', version: string): Promise<MetricsRegistry> {
  const { Counter, Gauge, Registry } = await import('prom-client');
  const registry = new Registry();
  const registers = [registry];
  const named = (name: string): string => `iam_vault_${what}_${name}`;
  const counter: MetricsRegistry['counter'] = (name, help, labelNames = []) => new Counter({ name: named(name), help, labelNames, registers });
  const gauge: MetricsRegistry['gauge'] = (name, help, labelNames = []) => new Gauge({ name: named(name), help, labelNames, registers });
  const readProcess = openProcessMetrics(gauge, counter);
  gauge('build_info', `Version of the ${what} and of Node.js; always 1.`, ['version', 'node']).set({ version, node: process.version }, 1);
  return {
    counter, gauge,
    async render() {
      await readProcess();
      return await registry.metrics();
    },
  };
}
