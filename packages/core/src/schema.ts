import { describeThrown } from './errors.ts';

/**
 * The part of Standard Schema v1 that Stageflow reads (https://standardschema.dev). Zod, Valibot, ArkType
 * and others implement it, so a contract is whatever schema the project already uses.
 */
export interface Schema<out Given = unknown, out Read = Given> {
  readonly '~standard': {
    readonly version: 1;
    readonly vendor: string;
    readonly validate: (value: unknown) => SchemaResult<Read> | Promise<SchemaResult<Read>>;
    readonly types?: { readonly input: Given; readonly output: Read } | undefined;
  };
}

/** What a schema's `validate` answers. */
export type SchemaResult<Read> = { readonly value: Read; readonly issues?: undefined } | { readonly issues: readonly SchemaIssue[] };

/** One complaint of a schema. */
export interface SchemaIssue {
  readonly message: string;
  readonly path?: readonly (PropertyKey | { readonly key: PropertyKey })[] | undefined;
}

/**
 * Asks a schema. Never throws and never rejects: a schema that does refuses the value. A promise only where the schema
 * answers with one.
 */
export function validate<Read>(schema: Schema<unknown, Read>, value: unknown): SchemaResult<Read> | Promise<SchemaResult<Read>> {
  try {
    const answer: unknown = schema['~standard'].validate(value);
    // Promises of other realms and libraries count as promises: read as a result, they would let everything pass.
    if (typeof (answer as { then?: unknown } | undefined)?.then !== 'function') return asResult(answer as SchemaResult<Read>);
    return Promise.resolve(answer as SchemaResult<Read>).then(asResult, refusal);
  } catch (thrown) {
    return refusal(thrown);
  }
}

/** Answers come from libraries of others: what is no answer refuses the value. */
function asResult<Read>(answer: SchemaResult<Read> | undefined): SchemaResult<Read> {
  if (typeof answer === 'object' && answer !== null && (answer.issues !== undefined || 'value' in answer)) return answer;
  return { issues: [{ message: 'the schema answered with neither a value nor issues' }] };
}

function refusal(thrown: unknown): { readonly issues: readonly SchemaIssue[] } {
  return { issues: [{ message: `the schema threw: ${describeThrown(thrown).message}` }] };
}

/** Why a value was refused, as lines of `path: message`. */
export function issueLines(issues: readonly SchemaIssue[]): string[] {
  return issues.map(({ message, path }) => {
    const where = (path ?? []).map((segment) => String(typeof segment === 'object' ? segment.key : segment)).join('.');
    return where === '' ? message : `${where}: ${message}`;
  });
}

/** What a value is, for messages: its type, and its keys or length where that helps. Values themselves are users' data. */
export function describeReceived(value: unknown): string {
  if (value === null) return 'null';
  if (Array.isArray(value)) return `an array of ${value.length}`;
  if (typeof value === 'string')
    return value.length <= 40 ? `the string ${JSON.stringify(value)}` : `a string of ${value.length} characters`;
  if (typeof value === 'number' || typeof value === 'boolean') return `the ${typeof value} ${value}`;
  if (typeof value === 'function') return 'a function';
  if (typeof value !== 'object') return typeof value;
  const kind = className(value);
  if (kind !== 'Object') return `${/^[AEIOU]/.test(kind) ? 'an' : 'a'} ${kind}`;
  const keys = Object.keys(value);
  if (keys.length === 0) return 'an object without keys';
  return `an object with ${keys.slice(0, 8).join(', ')}${keys.length > 8 ? ` and ${keys.length - 8} more keys` : ''}`;
}

/** The name of an object's class; `Object` where it has none worth telling. */
function className(value: object): string {
  try {
    const name: unknown = Object.getPrototypeOf(value)?.constructor?.name;
    return typeof name === 'string' && /^[A-Z]\w*$/.test(name) ? name : 'Object';
  } catch {
    return 'Object';
  }
}
