import { nearest } from '../json/validate.ts';
import { Secret } from '../secret.ts';
import type { AwsCredentialSource, SdkProfile } from './awsProfile.ts';
import { credentialKey, mainSection, profileInvalid, type AwsSections, type ProfileSections } from './awsSections.ts';
import { wholeNumber } from './awsSettings.ts';

/** IAM's limits for DurationSeconds of AssumeRole. */
const SESSION_SECONDS = { least: 900, most: 43_200 } as const;

const CREDENTIAL_SOURCES = new Map<string, AwsCredentialSource>([
  ['Environment', { kind: 'environment' }],
  ['Ec2InstanceMetadata', { kind: 'instance-metadata' }],
  ['EcsContainer', { kind: 'container' }],
]);

/**
 * Which of AWS's forms a profile has, in the order in which the SDK's fromIni looks for them.
 * @throws VaultError profile-invalid
 * @see https://docs.aws.amazon.com/sdkref/latest/guide/standardized-credentials.html
 */
export function credentialSourceOf(profile: ProfileSections, sections: AwsSections): AwsCredentialSource {
  return resolve(profile, sections, []);
}

/** `asked` are the profiles on the way here that take their credentials from this one. */
function resolve(profile: ProfileSections, sections: AwsSections, asked: readonly string[]): AwsCredentialSource {
  const value = (key: string): string | undefined => credentialKey(profile, key)?.value;
  // A profile that is somebody's source gives its keys before its own role: a profile may name itself as its source.
  if (asked.length > 0 && value('aws_access_key_id') !== undefined) return staticKeys(profile);
  const roleArn = value('role_arn');
  const tokenFile = value('web_identity_token_file');
  if (roleArn !== undefined && (value('source_profile') !== undefined || value('credential_source') !== undefined)) {
    return assumedRole(profile, roleArn, sections, asked);
  }
  if (value('aws_access_key_id') !== undefined || value('aws_secret_access_key') !== undefined) return staticKeys(profile);
  if (tokenFile !== undefined) return webIdentity(profile, tokenFile, roleArn);
  if (roleArn !== undefined) {
    throw profileInvalid(mainSection(profile), 'role_arn', 'needs source_profile, credential_source or web_identity_token_file');
  }
  // A section without role_arn that is somebody's source may name where its credentials are.
  if (asked.length > 0 && value('credential_source') !== undefined) return namedSource(profile);
  const command = value('credential_process');
  if (command !== undefined) return { kind: 'process', command: new Secret(command) };
  if (['sso_session', 'sso_start_url', 'sso_account_id', 'sso_role_name', 'sso_region'].some((key) => value(key) !== undefined)) {
    return singleSignOn(profile, sections);
  }
  const sdk = sdkProfile(profile);
  if (value('login_session') !== undefined && sdk !== undefined) return { kind: 'sdk', sdk };
  throw profileInvalid(
    mainSection(profile), 'aws_access_key_id',
    'is missing, and so is every other way to credentials (role_arn, sso_session, credential_process, web_identity_token_file)',
  );
}

function staticKeys(profile: ProfileSections): AwsCredentialSource {
  const sessionToken = credentialKey(profile, 'aws_session_token');
  return {
    kind: 'static',
    accessKeyId: required(profile, 'aws_access_key_id'),
    secretAccessKey: new Secret(required(profile, 'aws_secret_access_key')),
    ...(sessionToken === undefined ? {} : { sessionToken: new Secret(required(profile, 'aws_session_token')) }),
  };
}

function assumedRole(profile: ProfileSections, roleArn: string, sections: AwsSections, asked: readonly string[]): AwsCredentialSource {
  const optional = (key: string): string | undefined => credentialKey(profile, key)?.value;
  const sessionName = optional('role_session_name');
  const externalId = optional('external_id');
  const mfaSerial = optional('mfa_serial');
  const durationSeconds = wholeNumber(
    credentialKey(profile, 'duration_seconds'), 'duration_seconds', SESSION_SECONDS.least, SESSION_SECONDS.most,
  );
  return {
    kind: 'assume-role',
    roleArn,
    source: sourceOfRole(profile, sections, asked),
    ...(sessionName === undefined ? {} : { sessionName }),
    ...(externalId === undefined ? {} : { externalId }),
    ...(mfaSerial === undefined ? {} : { mfaSerial }),
    ...(durationSeconds === undefined ? {} : { durationSeconds }),
  };
}

function sourceOfRole(profile: ProfileSections, sections: AwsSections, asked: readonly string[]): AwsCredentialSource {
  const named = credentialKey(profile, 'source_profile');
  if (named === undefined) return namedSource(profile);
  if (credentialKey(profile, 'credential_source') !== undefined) {
    throw profileInvalid(named.section, 'source_profile', 'and credential_source exclude each other');
  }
  const source = sections.profile(named.value);
  if (source === undefined) {
    const near = nearest(named.value, sections.names());
    throw profileInvalid(
      named.section, 'source_profile', `names a profile that is not there: ${JSON.stringify(named.value.slice(0, 128))}`,
      near === undefined ? undefined : `Did you mean ${JSON.stringify(near)}?`,
    );
  }
  if (asked.includes(named.value)) {
    throw profileInvalid(named.section, 'source_profile', `leads back to itself: ${[...asked, profile.name, named.value].join(' -> ')}`);
  }
  return resolve(source, sections, [...asked, profile.name]);
}

function namedSource(profile: ProfileSections): AwsCredentialSource {
  const source = CREDENTIAL_SOURCES.get(required(profile, 'credential_source'));
  if (source === undefined) {
    throw profileInvalid(
      credentialKey(profile, 'credential_source')?.section, 'credential_source', `is none of ${[...CREDENTIAL_SOURCES.keys()].join(', ')}`,
    );
  }
  return source;
}

function webIdentity(profile: ProfileSections, tokenFile: string, roleArn: string | undefined): AwsCredentialSource {
  const sessionName = credentialKey(profile, 'role_session_name')?.value;
  return {
    kind: 'web-identity',
    tokenFile,
    roleArn: roleArn ?? required(profile, 'role_arn'),
    ...(sessionName === undefined ? {} : { sessionName }),
  };
}

function singleSignOn(profile: ProfileSections, sections: AwsSections): AwsCredentialSource {
  const accountId = required(profile, 'sso_account_id');
  const roleName = required(profile, 'sso_role_name');
  const named = credentialKey(profile, 'sso_session');
  if (named === undefined) {
    return { kind: 'sso', startUrl: required(profile, 'sso_start_url'), ssoRegion: required(profile, 'sso_region'), accountId, roleName };
  }
  const session = sections.find('sso-session', named.value);
  if (session === undefined) {
    throw profileInvalid(named.section, 'sso_session', `names a section that is not there: [sso-session ${named.value.slice(0, 128)}]`);
  }
  const ofSession = (key: string): string => {
    const value = session.keys.get(key);
    if (value === undefined) throw profileInvalid(session, key, 'is missing');
    return value;
  };
  const sdk = session.sdkReads ? sdkProfile(profile) : undefined;
  return {
    kind: 'sso', startUrl: ofSession('sso_start_url'), ssoRegion: ofSession('sso_region'), accountId, roleName, session: named.value,
    ...(sdk === undefined ? {} : { sdk }),
  };
}

function sdkProfile(profile: ProfileSections): SdkProfile | undefined {
  if (profile.config?.sdkReads !== true) return undefined;
  return { profile: profile.name, configFile: profile.paths.config, credentialsFile: profile.paths.credentials };
}

/** All that reaches a request header, so no control characters. */
function required(profile: ProfileSections, key: string): string {
  const found = credentialKey(profile, key);
  if (found === undefined) throw profileInvalid(mainSection(profile), key, 'is missing');
  if (/\p{Cc}/u.test(found.value)) throw profileInvalid(found.section, key, 'contains a control character');
  return found.value;
}
