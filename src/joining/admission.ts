import * as z from 'zod/mini';
import { layoutJson } from '../json/canonical.ts';
import { parseDocument } from '../json/document.ts';
import { digestOf, FORMAT, utf8 } from '../sealing/encoding.ts';
import type { Identity } from '../sealing/identity.ts';
import { signStatement, verifyStatement } from '../sealing/signature.ts';
import { isFullAdmin, signingKeyOf, type Roster } from '../trust/roster.ts';
import { requireSize } from './invitation.ts';
import { digest, documentOf, format, invitationId, name, signature, statementOf, time, timeText } from './statement.ts';

/** Somebody on the roster says: this is the node of that name, as it stands in the inventory. */
export interface Admission {
  readonly format: typeof FORMAT;
  readonly type: 'admission';
  readonly repository: string;
  readonly name: string;
  /** Fingerprint of the key that is sealed to, so that the node itself can see that it is meant. */
  readonly fingerprint: string;
  /** Digests of the bytes of nodes/NAME and clients/NAME. */
  readonly node_digest: string;
  readonly client_digest: string;
  /** Id of the invitation that it joined with; null where a person approved what lay in the inventory. */
  readonly invitation: string | null;
  readonly time: string;
  readonly signer: string;
}

export interface SignedAdmission {
  readonly admission: Admission;
  readonly signature: string;
}

/** The two documents that make a node. */
export interface NodeDocuments {
  readonly node: Uint8Array;
  readonly client: Uint8Array;
}

const admissionSchema = z.strictObject({
  admission: z.strictObject({
    format, type: z.literal('admission'), repository: digest, name, fingerprint: digest, node_digest: digest, client_digest: digest,
    invitation: z.nullable(invitationId), time, signer: name,
  }),
  signature,
});

/** @throws VaultError document-invalid, document-not-canonical, format-unsupported */
export function parseAdmission(bytes: Uint8Array, source: string): SignedAdmission {
  requireSize(bytes, source);
  return parseDocument(admissionSchema, bytes, source, { name: FORMAT, path: ['admission', 'format'] });
}

export function encodeAdmission(signed: SignedAdmission): Uint8Array {
  return utf8(layoutJson(documentOf(signed)));
}

export function signAdmission(
  members: Pick<Admission, 'repository' | 'name' | 'fingerprint' | 'invitation'> & { readonly documents: NodeDocuments; readonly time: Date },
  { name: signer, identity }: { readonly name: string; readonly identity: Identity },
): SignedAdmission {
  const { repository, name: node, fingerprint, invitation, documents } = members;
  const admission: Admission = {
    format: FORMAT, type: 'admission', repository, name: node, fingerprint, invitation,
    node_digest: digestOf(documents.node), client_digest: digestOf(documents.client), time: timeText(members.time), signer,
  };
  return { admission, signature: signStatement(statementOf(admission), identity) };
}

/** Why an admission does not hold. `other`: of another node or repository. */
export type AdmissionProblem = 'other' | 'signer' | 'signature' | 'altered';

/** Undefined where somebody on the roster signed it for this node. Whether the inventory still says the same, {@link admissionProblem} tells. */
export function statementProblem({ admission, signature: signed }: SignedAdmission, of: { readonly repository: string; readonly roster: Roster; readonly name: string }): AdmissionProblem | undefined {
  if (admission.name !== of.name || admission.repository !== of.repository) return 'other';
  const signer = of.roster.admins.find((each) => each.name === admission.signer);
  // Who may only seal admits by what an admin signed, an invitation, and never by themselves.
  if (signer === undefined || (!isFullAdmin(signer) && admission.invitation === null)) return 'signer';
  return verifyStatement(statementOf(admission), signed, signingKeyOf(signer)) ? undefined : 'signature';
}

/**
 * Undefined where the admission holds for these documents: whoever seals without a person seals to no other nodes. `altered`: the inventory says
 * something else than what was admitted.
 */
export function admissionProblem(signed: SignedAdmission, of: { readonly repository: string; readonly roster: Roster; readonly name: string; readonly documents: NodeDocuments }): AdmissionProblem | undefined {
  const { node_digest, client_digest } = signed.admission;
  return statementProblem(signed, of)
    ?? (node_digest === digestOf(of.documents.node) && client_digest === digestOf(of.documents.client) ? undefined : 'altered');
}
