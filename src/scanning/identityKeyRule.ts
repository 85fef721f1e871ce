import type { creator } from '@secretlint/secretlint-rule-privatekey';

type Rule = typeof creator;

/** Our own identities and age's, which the scanner's rules do not know: at least the 32 bytes of a key and a checksum. */
const IDENTITY_KEY = /\b(?:VAULT|AGE)-SECRET-KEY-1[02-9AC-HJ-NP-Z]{58,64}\b/g;

const messages = { IdentityKey: { en: () => 'found the private key of an identity' } };

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
