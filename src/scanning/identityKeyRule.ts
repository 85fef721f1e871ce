import type { creator } from '@secretlint/secretlint-rule-privatekey';

type Rule = typeof creator;

/** Our own identities and tokens, and age's identities, which the scanner's rules do not know: at least the bytes of each, and a checksum. */
const IDENTITY_KEY = /\b(?:(?:VAULT|AGE)-SECRET-KEY-1[02-9AC-HJ-NP-Z]{58,64}|VAULT-JOIN-TOKEN-1[02-9AC-HJ-NP-Z]{190,200})\b/g;

const messages = { IdentityKey: { en: () => 'found the private key of an identity, or a token to join with' } };

/** A rule for the scanner. */
export const identityKeyRule: Rule = {
  messages,
  meta: { id: 'iam-vault', type: 'scanner', recommended: true, supportedContentTypes: ['text'] },
  create(context) {
    const translate = context.createTranslator(messages);
    return {
      file({ content }) {
        for (const { index, 0: { length } } of content.matchAll(IDENTITY_KEY)) context.report({ message: translate('IdentityKey'), range: [index, index + length] });
      },
    };
  },
};
