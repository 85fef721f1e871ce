import { quoted } from '../../../json/issueText.ts';
import { nearest } from '../../../json/validate.ts';
import { PARTITIONS, hasVariable, parseArnPattern } from '../../arn.ts';
import { hasWildcard } from '../../glob.ts';
import type { Remark } from '../finding.ts';
import type { Rule } from '../rule.ts';

/** What stands in place of an account where AWS itself owns the resource. */
const AWS_OWNERS = new Set(['aws', 'cloudfront', 'offering']);

/**
 * A Resource that is neither `*` nor an ARN.
 * @see https://docs.aws.amazon.com/IAM/latest/UserGuide/reference-arns.html
 */
export const resourceArn: Rule = {
  name: 'resource-arn',
  check({ resources }) {
    return resources.flatMap(({ text, path }): Remark[] => {
      if (text === '*') return [];
      const error = (message: string, suggestion?: string): Remark[] =>
        [{ severity: 'error', path, message: `found ${quoted(text)}; ${message}`, suggestion }];
      const arn = parseArnPattern(text);
      if (arn === undefined) return error('a resource is an ARN of six parts, arn:partition:service:region:account:resource, or * alone.');
      const open = (part: string): boolean => hasWildcard(part) || hasVariable(part);
      if (!open(arn.partition) && !PARTITIONS.includes(arn.partition)) {
        return error(`${quoted(arn.partition)} is no partition; there are ${PARTITIONS.join(', ')}.`, nearest(arn.partition, PARTITIONS));
      }
      if (!open(arn.service) && !/^[a-z0-9-]+$/.test(arn.service)) return error('its third part must be a service, like s3.');
      if (!open(arn.region) && !/^[a-z0-9-]*$/.test(arn.region)) return error('its fourth part must be a region, like eu-central-1, or empty.');
      if (!open(arn.account) && !/^(?:|\d{12})$/.test(arn.account) && !AWS_OWNERS.has(arn.account)) return error('its fifth part must be an account of 12 digits, or empty.');
      if (arn.resource === '') return error('its sixth part, the resource, is empty.');
      return [];
    });
  },
};
