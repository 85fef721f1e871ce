import type { TrustState } from '../operations/roster/trustPins.ts';
import { fullAdmins, isFullAdmin } from '../trust/roster.ts';
import { pinOf } from '../trust/walk.ts';
import { escapeForTerminal } from './escape.ts';
import type { Colors } from './output.ts';

/** What is remembered of a repository, and what is there. */
export function describeTrust({ location, remembered, here, problem }: TrustState, colors: Colors): { json: object; text: string } {
  const refreshers = here === undefined ? [] : here.roster.admins.filter((admin) => !isFullAdmin(admin)).map(({ name }) => name);
  const newest = here === undefined ? undefined : {
    ...asJson({ ...pinOf(here), repository: here.digests[0] }), quorum: here.roster.quorum, admins: fullAdmins(here.roster).map(({ name }) => name),
    ...(refreshers.length === 0 ? {} : { refreshers }),
  };
  return {
    json: {
      location, remembered: remembered === undefined ? null : asJson(remembered), here: newest ?? null,
      ...(problem === undefined ? {} : { problem: { code: problem.code, message: problem.message, ...(problem.hint === undefined ? {} : { hint: problem.hint }) } }),
    },
    text: [
      escapeForTerminal(location),
      ...(remembered === undefined ? ['  remembered  nothing: the roster is trusted as it is found on first use'] : [
        `  remembered  version ${String(remembered.version)}, ${remembered.digest}`,
        `              of the repository ${remembered.repository}`,
      ]),
      ...(newest === undefined ? [] : [
        `  here        version ${String(newest.version)}, ${newest.fingerprint}`,
        `              of the repository ${newest.repository}`,
        `              quorum ${String(newest.quorum)} of ${newest.admins.join(', ')}`,
        ...(refreshers.length === 0 ? [] : [`              refreshers, who may only seal: ${refreshers.join(', ')}`]),
      ]),
      ...(problem === undefined ? [] : [`${colors.red(problem.code)}: ${escapeForTerminal(problem.message, true)}`, ...(problem.hint === undefined ? [] : [escapeForTerminal(problem.hint)])]),
    ].join('\n'),
  };
}

function asJson({ version, digest, repository }: { readonly version: number; readonly digest: string; readonly repository: string }): { version: number; fingerprint: string; repository: string } {
  return { version, fingerprint: digest, repository };
}
