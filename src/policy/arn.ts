import { ANY_CHARACTERS, globSteps, type GlobStep } from './glob.ts';

/**
 * An Amazon Resource Name as a policy writes it, where every part may hold wildcards and policy variables.
 * @see https://docs.aws.amazon.com/IAM/latest/UserGuide/reference-arns.html
 */
export interface ArnPattern {
  readonly partition: string;
  readonly service: string;
  readonly region: string;
  readonly account: string;
  /** Everything after the fifth colon, colons included. */
  readonly resource: string;
}

/** The partitions that AWS documents or signs requests for. */
export const PARTITIONS: readonly string[] = ['aws', 'aws-cn', 'aws-us-gov', 'aws-iso', 'aws-iso-b', 'aws-iso-e', 'aws-iso-f', 'aws-eusc'];

const ARN_PARTS = 6;

/**
 * The six parts of an ARN pattern, or undefined where it is none. A policy variable's own colons part nothing. Where a
 * part that ends in `*` is the last, it runs on over those that are missing: `arn:aws:sqs:*`.
 */
export function parseArnPattern(text: string): ArnPattern | undefined {
  const parts = splitOutsideVariables(text);
  if (parts.length > 1 && text.endsWith('*')) {
    while (parts.length < ARN_PARTS) parts.push('*');
  }
  const [arn, partition, service, region, account, ...resource] = parts;
  if (arn !== 'arn' || partition === undefined || service === undefined || region === undefined || account === undefined) return undefined;
  if (resource.length === 0) return undefined;
  return { partition, service, region, account, resource: resource.join(':') };
}

/** A piece of a Resource: plain text with wildcards, or a policy variable with its text. */
export interface ResourcePiece {
  readonly kind: 'text' | 'literal' | 'variable';
  readonly text: string;
}

/**
 * `${…}` in a Resource. `${*}`, `${?}` and `${$}` are those characters themselves.
 * @see https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_variables.html
 */
export function resourcePieces(text: string): ResourcePiece[] {
  const pieces: ResourcePiece[] = [];
  let from = 0;
  while (from < text.length) {
    const start = text.indexOf('${', from);
    const end = start === -1 ? -1 : text.indexOf('}', start);
    if (end === -1) {
      pieces.push({ kind: 'text', text: text.slice(from) });
      break;
    }
    if (start > from) pieces.push({ kind: 'text', text: text.slice(from, start) });
    const name = text.slice(start + 2, end);
    pieces.push(['*', '?', '$'].includes(name) ? { kind: 'literal', text: name } : { kind: 'variable', text: name });
    from = end + 1;
  }
  return pieces;
}

/** True where the text holds a policy variable whose value is known only when a request is made. */
export function hasVariable(text: string): boolean {
  return resourcePieces(text).some((piece) => piece.kind === 'variable');
}

/**
 * The pattern that a Resource stands for. A wildcard stays within its part of the ARN, but for a `*` that ends a part:
 * that one may run on over colons, as everything in the last part may.
 * @param variables what `${…}` is: 'expanded' stands for any text (policy version 2012-10-17), 'plain' for itself
 * @see https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_resource.html
 */
export function resourceSteps(text: string, variables: 'expanded' | 'plain'): GlobStep[] {
  const pieces: ResourcePiece[] = variables === 'plain' ? [{ kind: 'text', text }] : resourcePieces(text);
  const steps = pieces.flatMap((piece): GlobStep[] => {
    switch (piece.kind) {
      case 'variable':
        return [ANY_CHARACTERS];
      case 'literal':
        return [{ char: piece.text, repeat: false, colon: false }];
      case 'text':
        return globSteps(piece.text, false);
    }
  });
  let colons = 0;
  return steps.map((step, i) => {
    if (step.char === ':') colons++;
    if (step.char !== undefined) return step;
    const next = steps[i + 1];
    const endsPart = step.repeat && (next === undefined || next.char === ':');
    return colons >= 5 || endsPart ? { ...step, colon: true } : step;
  });
}

function splitOutsideVariables(text: string): string[] {
  const parts: string[] = [''];
  const append = (more: string): void => {
    parts[parts.length - 1] = (parts.at(-1) ?? '') + more;
  };
  for (const piece of resourcePieces(text)) {
    if (piece.kind !== 'text') {
      append(`\${${piece.text}}`);
      continue;
    }
    for (const [i, part] of piece.text.split(':').entries()) {
      if (i > 0) parts.push('');
      append(part);
    }
  }
  return parts;
}
