import type { AwsEndpoints } from './awsProfile.ts';
import { profileInvalid, settingKey, type AwsSections, type FoundKey, type ProfileSections } from './awsSections.ts';

/** What a profile says besides credentials. */
export interface AwsSettings {
  readonly region?: string;
  readonly endpoints: AwsEndpoints;
  readonly maxAttempts?: number;
  readonly fips: boolean;
  readonly dualStack: boolean;
}

/** AwsEndpoints' members, by the names that AWS gives the services in files and (in capitals) in variables. */
const SERVICES = { iam: 'iam', sts: 'sts', sso: 'sso', ssoOidc: 'sso_oidc' } as const satisfies Record<keyof AwsEndpoints, string>;

/** A part of a host name: what the SDK puts in front of amazonaws.com. */
const REGION = /^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/;

/** @throws VaultError profile-invalid */
export function settingsOf(profile: ProfileSections, sections: AwsSections, env: NodeJS.ProcessEnv): AwsSettings {
  const region = regionOf(profile, env);
  const maxAttempts = wholeNumber(settingKey(profile, 'max_attempts'), 'max_attempts', 1, 100);
  return {
    ...(region === undefined ? {} : { region }),
    endpoints: endpointsOf(profile, sections, env),
    ...(maxAttempts === undefined ? {} : { maxAttempts }),
    fips: flag(profile, 'use_fips_endpoint', env['AWS_USE_FIPS_ENDPOINT']),
    dualStack: flag(profile, 'use_dualstack_endpoint', env['AWS_USE_DUALSTACK_ENDPOINT']),
  };
}

/**
 * The profile's own region comes first. (AWS's tools let AWS_REGION win, for one profile at a time; here one command
 * works in several accounts, and a region also selects the partition: aws, aws-cn, aws-us-gov.)
 */
function regionOf(profile: ProfileSections, env: NodeJS.ProcessEnv): string | undefined {
  const found = settingKey(profile, 'region');
  const region = found?.value ?? (env['AWS_REGION'] || env['AWS_DEFAULT_REGION'] || undefined);
  if (region !== undefined && !REGION.test(region)) {
    const where = found === undefined ? 'AWS_REGION or AWS_DEFAULT_REGION' : 'region';
    throw profileInvalid(found?.section, where, 'is not the name of an AWS region', 'A region looks like eu-central-1.');
  }
  return region;
}

/**
 * In AWS's order: the service's variable, AWS_ENDPOINT_URL, the service's entry in the profile's `services` section, the
 * profile's endpoint_url.
 * @see https://docs.aws.amazon.com/sdkref/latest/guide/feature-ss-endpoints.html
 */
function endpointsOf(profile: ProfileSections, sections: AwsSections, env: NodeJS.ProcessEnv): AwsEndpoints {
  if (flag(profile, 'ignore_configured_endpoint_urls', env['AWS_IGNORE_CONFIGURED_ENDPOINT_URLS'])) return {};
  const services = servicesOf(profile, sections);
  const endpoints: { -readonly [service in keyof AwsEndpoints]: string } = {};
  for (const [service, id] of Object.entries(SERVICES) as [keyof AwsEndpoints, string][]) {
    const variable = `AWS_ENDPOINT_URL_${id.toUpperCase()}`;
    const entry = `${id}.endpoint_url`;
    const url =
      fromVariable(variable, env)
      ?? fromVariable('AWS_ENDPOINT_URL', env)
      ?? checkedUrl(services === undefined ? undefined : findIn(services, entry), entry)
      ?? checkedUrl(settingKey(profile, 'endpoint_url'), 'endpoint_url');
    if (url !== undefined) endpoints[service] = url;
  }
  return endpoints;
}

function servicesOf(profile: ProfileSections, sections: AwsSections): FoundKey['section'] | undefined {
  const named = settingKey(profile, 'services');
  if (named === undefined) return undefined;
  const section = sections.find('services', named.value);
  if (section === undefined) {
    throw profileInvalid(named.section, 'services', `names a section that is not there: [services ${named.value.slice(0, 128)}]`);
  }
  return section;
}

function findIn(section: FoundKey['section'], key: string): FoundKey | undefined {
  const value = section.keys.get(key);
  return value === undefined ? undefined : { value, section };
}

function fromVariable(variable: string, env: NodeJS.ProcessEnv): string | undefined {
  const value = env[variable];
  if (value === undefined || value === '') return undefined;
  if (!isSafeUrl(value)) throw profileInvalid(undefined, variable, 'is not an https URL (http is allowed for this machine alone)');
  return value;
}

function checkedUrl(found: FoundKey | undefined, key: string): string | undefined {
  if (found === undefined) return undefined;
  if (!isSafeUrl(found.value)) throw profileInvalid(found.section, key, 'is not an https URL (http is allowed for this machine alone)');
  return found.value;
}

function isSafeUrl(text: string): boolean {
  if (!URL.canParse(text)) return false;
  const url = new URL(text);
  // AWS's reply to CreateAccessKey holds the secret: in clear it may go to this machine alone.
  const loopback = /^(localhost|127(\.\d{1,3}){3}|\[::1\])$/.test(url.hostname);
  return (url.protocol === 'https:' || (url.protocol === 'http:' && loopback)) && url.username === '' && url.password === '';
}

function flag(profile: ProfileSections, key: string, fallback: string | undefined): boolean {
  return (settingKey(profile, key)?.value ?? fallback)?.toLowerCase() === 'true';
}

/** @throws VaultError profile-invalid unless the value is a whole number from `least` to `most` */
export function wholeNumber(found: FoundKey | undefined, key: string, least: number, most: number): number | undefined {
  if (found === undefined) return undefined;
  const value = /^\d{1,9}$/.test(found.value) ? Number(found.value) : Number.NaN;
  if (!(value >= least && value <= most)) {
    throw profileInvalid(found.section, key, `is not a whole number from ${String(least)} to ${String(most)}`);
  }
  return value;
}
