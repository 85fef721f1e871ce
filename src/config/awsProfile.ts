import type { Secret } from '../secret.ts';

/** How the credentials of a profile are obtained. Nothing has been obtained yet: this is what the files say. */
export type AwsCredentialSource =
  | {
    readonly kind: 'static';
    readonly accessKeyId: string;
    readonly secretAccessKey: Secret;
    readonly sessionToken?: Secret;
  }
  | {
    readonly kind: 'assume-role';
    readonly roleArn: string;
    readonly source: AwsCredentialSource;
    readonly sessionName?: string;
    readonly externalId?: string;
    readonly mfaSerial?: string;
    readonly durationSeconds?: number;
  }
  | { readonly kind: 'web-identity'; readonly roleArn: string; readonly tokenFile: string; readonly sessionName?: string }
  /** `credential_source`: Environment, Ec2InstanceMetadata, EcsContainer. */
  | { readonly kind: 'environment' }
  | { readonly kind: 'instance-metadata' }
  | { readonly kind: 'container' }
  /** A command may carry a secret among its arguments. */
  | { readonly kind: 'process'; readonly command: Secret }
  | {
    readonly kind: 'sso';
    readonly startUrl: string;
    readonly ssoRegion: string;
    readonly accountId: string;
    readonly roleName: string;
    /** The `[sso-session NAME]`; absent in the legacy form. */
    readonly session?: string;
    /** Where the SDK itself finds the profile and the session, which it must in order to refresh a token. */
    readonly sdk?: SdkProfile;
  }
  /** A form that the SDK reads and we do not interpret (`login_session`). */
  | { readonly kind: 'sdk'; readonly sdk: SdkProfile };

/** A profile as the SDK's own file readers find it. */
export interface SdkProfile {
  readonly profile: string;
  readonly configFile: string;
  readonly credentialsFile: string;
}

/** Base URLs that replace AWS's own, per service. */
export interface AwsEndpoints {
  readonly iam?: string;
  readonly sts?: string;
  readonly sso?: string;
  readonly ssoOidc?: string;
}

/** One entry of an IAM file's `accounts`: a named profile, read and checked. */
export interface AwsProfile {
  readonly name: string;
  readonly credentials: AwsCredentialSource;
  /** Absent where neither the profile nor the environment names one. */
  readonly region?: string;
  readonly endpoints: AwsEndpoints;
  readonly maxAttempts?: number;
  readonly fips: boolean;
  readonly dualStack: boolean;
}
