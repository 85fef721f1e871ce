import type * as z from 'zod';
import type { JsonPath } from './parse.ts';

/**
 * The names of the members that `schema` allows in the object at `path`, in the schema's order; empty where it names
 * none (a record, or a path that it does not describe). A member that must be absent (`z.never()`) is not listed.
 * @param found the object that is there: of several objects that are allowed at that place, those count whose literal members it has
 */
export function schemaMembers(schema: z.core.$ZodType, path: JsonPath, found?: unknown): readonly string[] {
  const names = new Set<string>();
  const allowed = objectsAt([schema], path);
  const meant = allowed.filter(({ shape }) => hasLiterals(shape, found));
  for (const object of meant.length === 0 ? allowed : meant) {
    for (const [name, member] of Object.entries(object.shape)) {
      if (!unwrapped(member).every((s) => defOf(s).type === 'never')) names.add(name);
    }
  }
  return [...names];
}

function hasLiterals(shape: z.core.$ZodObjectDef['shape'], found: unknown): boolean {
  if (typeof found !== 'object' || found === null) return true;
  return Object.entries(shape).every(([name, member]) => {
    const def = defOf(member);
    return def.type !== 'literal' || (Object.hasOwn(found, name) && def.values.some((value) => value === (found as Readonly<Record<string, unknown>>)[name]));
  });
}

type Def = z.core.$ZodTypes['_zod']['def'];

function defOf(schema: z.core.$ZodType): Def {
  // Every schema that zod's own functions make is one of $ZodTypes.
  return (schema as z.core.$ZodTypes)._zod.def;
}

function objectsAt(schemas: readonly z.core.$ZodType[], path: JsonPath): z.core.$ZodObjectDef[] {
  const candidates = schemas.flatMap(unwrapped).map(defOf);
  const [step, ...rest] = path;
  if (step === undefined) return candidates.filter((def): def is z.core.$ZodObjectDef => def.type === 'object');
  const children = candidates.flatMap((def): readonly z.core.$ZodType[] => {
    switch (def.type) {
      case 'object': {
        const member = Object.hasOwn(def.shape, step) ? def.shape[step] : undefined;
        return member === undefined ? [] : [member];
      }
      case 'array':
        return [def.element];
      case 'record':
        return [def.valueType];
      default:
        return [];
    }
  });
  return children.length === 0 ? [] : objectsAt(children, rest);
}

/** The schemas that `schema` stands for, without the wrappers that only add a default, a check or a transformation. */
function unwrapped(schema: z.core.$ZodType): z.core.$ZodType[] {
  const def = defOf(schema);
  switch (def.type) {
    case 'optional':
    case 'nullable':
    case 'default':
    case 'prefault':
    case 'nonoptional':
    case 'readonly':
    case 'catch':
      return unwrapped(def.innerType);
    case 'pipe':
      return [...unwrapped(def.in), ...unwrapped(def.out)];
    case 'lazy':
      return unwrapped(def.getter());
    case 'union':
      return def.options.flatMap(unwrapped);
    case 'intersection':
      return [...unwrapped(def.left), ...unwrapped(def.right)];
    default:
      return [schema];
  }
}
