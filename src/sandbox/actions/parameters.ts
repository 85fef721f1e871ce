import * as z from 'zod';
import { element, type XmlElement } from '../protocol.ts';

/*
 * The shapes of IAM's parameters, as https://docs.aws.amazon.com/IAM/latest/APIReference/ states them:
 * length and pattern of each.
 */

const NAME = /^[\w+=,.@-]+$/;

export const newUserName = z.string().min(1).max(64).regex(NAME);
export const userName = z.string().min(1).max(128).regex(NAME);
export const groupName = z.string().min(1).max(128).regex(NAME);
export const policyName = z.string().min(1).max(128).regex(NAME);
export const accessKeyId = z.string().min(16).max(128).regex(/^\w+$/);
export const policyArn = z.string().min(20).max(2048);
export const policyDocument = z
  .string()
  .min(1)
  .max(131_072)
  // eslint-disable-next-line no-control-regex -- the three that AWS's own pattern allows
  .regex(/^[\u0009\u000A\u000D\u0020-\u00FF]+$/);
export const path = z
  .string()
  .min(1)
  .max(512)
  .regex(/^\/$|^\/[\u0021-\u007E]+\/$/);
export const pathPrefix = z
  .string()
  .min(1)
  .max(512)
  .regex(/^\/[\u0021-\u007F]*$/)
  .default('/');

export const tagKey = z
  .string()
  .min(1)
  .max(128)
  .regex(/^[\p{L}\p{Z}\p{N}_.:/=+\-@]+$/u);
const tagValue = z
  .string()
  .max(256)
  .regex(/^[\p{L}\p{Z}\p{N}_.:/=+\-@]*$/u);

/** The Query protocol writes an empty list as an empty text. */
const listOf = <T extends z.ZodType>(member: T) => z.preprocess((value) => (value === '' ? [] : value), z.array(member).max(50));

export const tags = listOf(z.object({ Key: tagKey, Value: tagValue }));
export const tagKeys = listOf(tagKey);

export const paging = {
  Marker: z.string().min(1).max(320).optional(),
  MaxItems: z
    .string()
    .regex(/^[0-9]{1,4}$/)
    .transform(Number)
    .pipe(z.int().min(1).max(1000))
    .default(100),
};

export const wholeNumber = (least: number, most: number) =>
  z
    .string()
    .regex(/^[0-9]{1,9}$/)
    .transform(Number)
    .pipe(z.int().min(least).max(most));

/** The end of every list: whether there is more, and the marker to ask for it with. */
export function truncation(marker: string | undefined): XmlElement[] {
  return [element('IsTruncated', String(marker !== undefined)), ...(marker === undefined ? [] : [element('Marker', marker)])];
}
