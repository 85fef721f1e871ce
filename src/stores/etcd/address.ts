import * as z from 'zod/mini';
import { quoted } from '../../json/issueText.ts';

const endpoint = z.string().check(z.maxLength(2048), z.refine((text) => isEndpoint(text), {
  error: ({ input }) => `found ${typeof input === 'string' ? quoted(input) : 'another kind of value'}; expected http://HOST:PORT or https://HOST:PORT, without user, path and query`,
}));

function isEndpoint(text: string): boolean {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  return url !== undefined && (url.protocol === 'http:' || url.protocol === 'https:') && url.username === '' && url.password === '' && url.pathname === '/' && url.search === '' && url.hash === '';
}

export const endpointsSchema = z.array(endpoint).check(z.minLength(1), z.maxLength(32));

/** Where in an etcd a repository is, as configurations name it. */
export const etcdAddress = {
  endpoints: endpointsSchema,
  prefix: z.string().check(z.maxLength(200), z.regex(/^\/(?:[A-Za-z0-9_.-]+\/)+$/, 'expected parts of letters, digits and _ . - between slashes, as "/iam-vault/production/"')),
};
