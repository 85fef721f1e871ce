/** AWS's SDK, as far as it is used here: a part of the command line that is loaded when an account is first asked. */
export * as iamSdk from '@aws-sdk/client-iam';
export * as stsSdk from '@aws-sdk/client-sts';
export * as providers from '@aws-sdk/credential-providers';
export * as retry from '@smithy/core/retry';
