import { VaultError } from '../errors.ts';
import type { AwsFilePaths } from './awsFiles.ts';
import { parseAwsIni, type AwsSection, type AwsSectionKind } from './awsIni.ts';

/** A key of a profile and the section that it was taken from. */
export interface FoundKey {
  readonly value: string;
  readonly section: AwsSection;
}

/** One named profile: its section of the config file and its section of the credentials file, of which one may be missing. */
export interface ProfileSections {
  readonly name: string;
  readonly config: AwsSection | undefined;
  readonly credentials: AwsSection | undefined;
  readonly paths: AwsFilePaths;
}

/** The sections of both files, by what they mean. */
export class AwsSections {
  readonly paths: AwsFilePaths;
  readonly #config: readonly AwsSection[];
  readonly #credentials: readonly AwsSection[];

  /** Texts are undefined where the file is missing. */
  constructor(paths: AwsFilePaths, config: string | undefined, credentials: string | undefined) {
    this.paths = paths;
    this.#config = config === undefined ? [] : parseAwsIni(config, paths.config);
    this.#credentials = credentials === undefined ? [] : parseAwsIni(credentials, paths.credentials);
  }

  /** Names of all profiles, in the files' order. */
  names(): string[] {
    const profiles = [...this.#config.filter((s) => s.kind === 'profile' || s.kind === 'bare'), ...this.#bareCredentials()];
    return [...new Set(profiles.map((s) => s.name))];
  }

  /** Undefined where neither file has it. `[profile NAME]` in the config file hides a bare `[NAME]` there, as in AWS's tools. */
  profile(name: string): ProfileSections | undefined {
    const config = this.find('profile', name) ?? this.find('bare', name);
    const credentials = this.#bareCredentials().find((s) => s.name === name);
    return config === undefined && credentials === undefined ? undefined : { name, config, credentials, paths: this.paths };
  }

  /** A section of the config file. */
  find(kind: AwsSectionKind, name: string): AwsSection | undefined {
    return this.#config.find((s) => s.kind === kind && s.name === name);
  }

  #bareCredentials(): AwsSection[] {
    return this.#credentials.filter((s) => s.kind === 'bare');
  }
}

/**
 * A setting that has to do with credentials: the credentials file wins.
 * @see https://docs.aws.amazon.com/sdkref/latest/guide/file-format.html ("precedence")
 */
export function credentialKey(profile: ProfileSections, key: string): FoundKey | undefined {
  return keyOf(profile.credentials, key) ?? keyOf(profile.config, key);
}

/** Any other setting: the config file wins. */
export function settingKey(profile: ProfileSections, key: string): FoundKey | undefined {
  return keyOf(profile.config, key) ?? keyOf(profile.credentials, key);
}

function keyOf(section: AwsSection | undefined, key: string): FoundKey | undefined {
  const value = section?.keys.get(key);
  return section === undefined || value === undefined ? undefined : { value, section };
}

/** The section to name where a key is missing from a profile. */
export function mainSection(profile: ProfileSections): AwsSection | undefined {
  return profile.config ?? profile.credentials;
}

/** `problem` completes "FILE: [SECTION]: KEY …". It must not quote a value that could be a secret. */
export function profileInvalid(section: AwsSection | undefined, key: string, problem: string, hint?: string): VaultError {
  const where = section === undefined ? '' : `${section.file}: [${section.header.slice(0, 200)}]: `;
  return new VaultError('profile-invalid', `${where}${key} ${problem}.`, {
    hint,
    details: { file: section?.file, section: section?.header, key },
  });
}
