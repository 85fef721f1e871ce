/** The Date header of a reply, as the SDK's middleware gets it: AWS's clock. Undefined where there is none. */
export function dateOf(response: unknown): string | undefined {
  if (typeof response !== 'object' || response === null || !('headers' in response)) return undefined;
  const date = (response.headers as Readonly<Record<string, unknown>> | undefined)?.['date'];
  return typeof date === 'string' ? date : undefined;
}
