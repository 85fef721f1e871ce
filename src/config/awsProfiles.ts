import { VaultError } from '../errors.ts';
import { nearest } from '../json/validate.ts';
import { credentialSourceOf } from './awsCredentialSource.ts';
import { awsFilePaths, readAwsFile } from './awsFiles.ts';
import type { AwsProfile } from './awsProfile.ts';
import { AwsSections } from './awsSections.ts';
import { settingsOf } from './awsSettings.ts';

/** The profiles of this person's AWS configuration, as the files were when they were read. */
export interface AwsProfiles {
  /** In the files' order. */
  readonly names: readonly string[];
  /** The files that were looked at, whether they exist or not. */
  readonly files: readonly string[];
  /**
   * The profile of that name. AWS_PROFILE and the keys in the environment have no influence on it.
   * @throws VaultError profile-not-found, profile-invalid
   */
  profile(name: string): AwsProfile;
}

/**
 * Reads the AWS config file and the shared credentials file, once. Missing files are empty; no credentials are obtained.
 * @throws VaultError input-unreadable, input-too-large
 * @see https://docs.aws.amazon.com/sdkref/latest/guide/file-format.html
 */
export async function readAwsProfiles(env: Readonly<Record<string, string | undefined>> = process.env): Promise<AwsProfiles> {
  const paths = awsFilePaths(env);
  const [config, credentials] = await Promise.all([readAwsFile(paths.config), readAwsFile(paths.credentials)]);
  const sections = new AwsSections(paths, config, credentials);
  const names = sections.names();
  const searched = [
    { file: paths.config, missing: config === undefined },
    { file: paths.credentials, missing: credentials === undefined },
  ];
  return {
    names,
    files: searched.map(({ file }) => file),
    profile: (name) => {
      const found = sections.profile(name);
      if (found === undefined) throw notFound(name, names, searched);
      return { name, credentials: credentialSourceOf(found, sections), ...settingsOf(found, sections, env) };
    },
  };
}

function notFound(
  name: string,
  names: readonly string[],
  searched: readonly { readonly file: string; readonly missing: boolean }[],
): VaultError {
  const shown = JSON.stringify(name.slice(0, 128));
  const near = nearest(name, names);
  const files = searched.map(({ file, missing }) => `${file}${missing ? ' (no such file)' : ''}`);
  return new VaultError('profile-not-found', `There is no AWS profile ${shown} in ${files.join(' or ')}.`, {
    hint: near === undefined
      ? `Write a section [profile ${name.slice(0, 128)}] into ${searched[0]?.file ?? 'the AWS config file'}, or set AWS_CONFIG_FILE.`
      : `Did you mean ${JSON.stringify(near)}?`,
    details: { profile: name, files: searched.map(({ file }) => file), ...(near === undefined ? {} : { suggestion: near }) },
  });
}
