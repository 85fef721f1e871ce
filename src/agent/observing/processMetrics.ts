import { performance } from 'node:perf_hooks';
import { setImmediate as turn } from 'node:timers/promises';

interface Settable { set(value: number): void }
interface Countable { inc(value: number): void }

/**
 * What the process itself takes, read when it is asked for: nothing is measured meanwhile, for an agent is idle nearly always.
 * @returns reads it
 */
export function openProcessMetrics(gauge: (name: string, help: string) => Settable, counter: (name: string, help: string) => Countable): () => Promise<void> {
  const memory = gauge('resident_memory_bytes', 'Memory of the process that is resident.');
  const heap = gauge('heap_used_bytes', 'Memory that JavaScript objects take.');
  const cpu = counter('cpu_seconds_total', 'Time of processors that was used, by the program and by the kernel for it.');
  const lag = gauge('event_loop_lag_seconds', 'How long what was due when this was read had to wait.');
  const utilization = gauge('event_loop_utilization', 'Part of the time since this was last read in which the event loop was busy.');
  let cpuBefore = 0;
  let loopBefore = performance.eventLoopUtilization();
  return async () => {
    const { rss, heapUsed } = process.memoryUsage();
    memory.set(rss);
    heap.set(heapUsed);
    const { user, system } = process.cpuUsage();
    cpu.inc((user + system - cpuBefore) / 1e6);
    cpuBefore = user + system;
    const loop = performance.eventLoopUtilization();
    utilization.set(performance.eventLoopUtilization(loop, loopBefore).utilization);
    loopBefore = loop;
    const before = performance.now();
    await turn();
    lag.set((performance.now() - before) / 1000);
  };
}
