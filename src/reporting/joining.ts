import type { InventoryNode } from '../operations/joining/admissions.ts';
import type { ListedInvitation } from '../operations/joining/invitations.ts';
import type { PendingRequest } from '../operations/joining/requests.ts';
import { duration } from './duration.ts';
import { escapeForTerminal } from './escape.ts';
import type { Output } from './output.ts';
import { renderTable } from './table.ts';

/** What a node is or would be: members of a Chef node object. */
interface Attributes {
  readonly chef_environment?: string;
  readonly run_list?: readonly string[];
  readonly normal?: Readonly<Record<string, unknown>>;
}

/** A node's environment, run list and further attributes, as JSON and in one escaped line. */
export function describeAttributes({ chef_environment: environment = '_default', run_list: runList = [], normal = {} }: Attributes): { readonly json: { readonly environment: string; readonly run_list: readonly string[]; readonly normal: object }; readonly text: string } {
  const more = Object.keys(normal).length === 0 ? '' : ` ${JSON.stringify(normal)}`;
  return {
    json: { environment, run_list: [...runList], normal },
    text: escapeForTerminal(`${runList.length === 0 ? 'no run list' : runList.join(', ')} in ${environment}${more}`),
  };
}

/** More names are counted alone. */
const NAMES_SHOWN = 4;

export function invitationsAsJson(invitations: readonly ListedInvitation[]): object[] {
  return invitations.map(({ id, state, invitation, used, joined }) => ({
    id, state, used, joined,
    ...(invitation === undefined ? {} : {
      uses: invitation.uses, expires: invitation.expires, time: invitation.time, signer: invitation.signer, approval: invitation.approval, names: invitation.names, ...describeAttributes(invitation.attributes).json,
    }),
  }));
}

export function renderInvitations(invitations: readonly ListedInvitation[], now: Date, output: Pick<Output, 'colors' | 'width'>): string {
  if (invitations.length === 0) return '';
  return renderTable(
    [{ title: 'INVITATION' }, { title: 'STATE' }, { title: 'LEFT' }, { title: 'ENDS IN' }, { title: 'WITH', least: 11 }, { title: 'JOINED', least: 8 }],
    invitations.map(({ id, state, invitation, used, joined }) => [
      id, state, invitation === undefined ? '' : `${String(Math.max(0, invitation.uses - used))}/${String(invitation.uses)}`,
      invitation === undefined ? '' : leftOf(invitation.expires, now),
      invitation === undefined ? '' : describeAttributes(invitation.attributes).text, shortened(joined),
    ]),
    output,
  );
}

function leftOf(expires: string, now: Date): string {
  const ms = Date.parse(expires) - now.getTime();
  return ms <= 0 ? '-' : duration(ms);
}

function shortened(names: readonly string[]): string {
  const more = names.length - NAMES_SHOWN;
  return names.slice(0, NAMES_SHOWN).join(', ') + (more > 0 ? ` and ${String(more)} more` : '');
}

export function pendingAsJson({ filed, request, fingerprint, invitation, problem }: PendingRequest): object {
  return {
    name: request.name, request: filed.id, fingerprint, invitation: request.invitation, time: request.time, ...(problem === undefined ? {} : { problem }),
    ...(invitation === undefined ? {} : { approval: invitation.approval, ...describeAttributes(invitation.attributes).json }),
  };
}

/** A request, as a person judges it, in some lines. */
export function renderPending({ request, fingerprint, invitation, problem }: PendingRequest, now: Date): string {
  return [
    `${request.name}  ${fingerprint}`,
    `  invitation ${request.invitation}, asked ${ageOf(request.time, now)}`,
    ...(invitation === undefined ? [] : [`  with ${describeAttributes(invitation.attributes).text}${invitation.approval ? ', if a person approves it' : ''}`]),
    ...(problem === undefined ? [] : [`  will be refused: ${problem}`]),
  ].join('\n');
}

/** A node of the inventory, as a person judges it. */
export function renderInventoryNode({ node, fingerprint }: InventoryNode): string {
  return `${node.name}  ${fingerprint}\n  as it stands in the inventory, with ${describeAttributes(node).text}`;
}

function ageOf(time: string, now: Date): string {
  const ms = now.getTime() - Date.parse(time);
  return ms < 0 ? `at ${time}, which is ahead of this machine's clock` : `${duration(ms)} ago`;
}

/** What came of asking to join, and what is next. */
export function renderJoined({ name, path, state, pin }: { readonly name: string; readonly path: string; readonly state: 'admitted' | 'filed'; readonly pin: string }): string {
  return [
    state === 'admitted' ? `${name} is let in` : `Filed the request of ${name}`,
    `  identity  ${escapeForTerminal(path)}`,
    `  roster    ${pin}`,
  ].join('\n');
}

/** What is next, for a person. */
export function nextOf(state: 'admitted' | 'filed'): string {
  return state === 'admitted' ? 'Next: name both in agent.json, and "vault agent run". Items are there as soon as they were refreshed.'
    : 'Next: an admin runs "vault node approve", or "vault refresh --watch" answers by itself. Run this again with --wait to see it.';
}
