import { execFile } from 'node:child_process';

/** How a service tells the service manager how it is: sd_notify(3). */
export interface ServiceManager {
  /** Sends assignments as `READY=1`, in the order of the calls; resolves when they were handed over. Never fails. */
  send(...assignments: readonly string[]): Promise<void>;
  /** How often it wants to hear that the service is alive, in milliseconds; undefined where it does not. */
  readonly watchdogMs: number | undefined;
}

/** What the service manager told this process. */
export interface ServiceVariables {
  readonly NOTIFY_SOCKET?: string | undefined;
  readonly WATCHDOG_USEC?: string | undefined;
  readonly WATCHDOG_PID?: string | undefined;
}

/**
 * Where a service manager listens. Node.js has no datagram sockets of the UNIX kind, so systemd's own `systemd-notify` sends; its messages are not those of
 * the main process, so the unit needs NotifyAccess=all.
 * @param failed called once, where messages cannot be sent
 * @returns undefined where none listens
 */
export function openServiceManager({ NOTIFY_SOCKET: socket, WATCHDOG_USEC: microseconds, WATCHDOG_PID: watched }: ServiceVariables, path: string | undefined, failed: (why: string) => void): ServiceManager | undefined {
  if (socket === undefined || socket === '') return undefined;
  const interval = Number(microseconds) / 1000;
  const isWatched = interval > 0 && (watched === undefined || watched === String(process.pid));
  let queue: Promise<void> = Promise.resolve();
  let hasFailed = false;
  return {
    watchdogMs: isWatched ? interval : undefined,
    send(...assignments) {
      queue = queue.then(() => new Promise((resolve) => {
        execFile('systemd-notify', assignments, { env: { NOTIFY_SOCKET: socket, ...(path === undefined ? {} : { PATH: path }) }, timeout: 10_000 }, (error) => {
          if (error !== null && !hasFailed) {
            hasFailed = true;
            failed(error.code === 'ENOENT' ? 'systemd-notify is not installed' : `systemd-notify failed: ${String(error.code ?? error.signal)}`);
          }
          resolve();
        });
      }));
      return queue;
    },
  };
}
