import { escapeForTerminal } from './escape.ts';
import type { Colors } from './output.ts';

interface InstalledUnit {
  readonly path: string;
  readonly state: 'created' | 'updated' | 'unchanged';
}

/** The result of `vault agent install`, as JSON. @param installed undefined where nothing was written */
export function unitJson(unit: string, installed: InstalledUnit | undefined): object {
  return { unit, ...(installed === undefined ? { state: 'planned' } : { path: installed.path, state: installed.state }) };
}

/** The result of `vault agent install`, as text: the unit itself, or what to do next with the one that is there. */
export function renderUnit(unit: string, installed: InstalledUnit | undefined, colors: Colors): string {
  if (installed === undefined) return unit.trimEnd();
  const path = escapeForTerminal(installed.path);
  if (installed.state === 'unchanged') return `${path} is as it was.`;
  return [
    `${colors.green(installed.state)}  ${path}`,
    '', 'Next:', '  systemctl daemon-reload',
    installed.state === 'created' ? '  systemctl enable --now iam-vault-agent' : '  systemctl restart iam-vault-agent',
  ].join('\n');
}
