import { type ErrorLocation, StageflowError } from '../errors.ts';
import { describeReceived, issueLines, type Schema, validate } from '../schema.ts';

/**
 * A value as `schema` reads it.
 *
 * @param subject - What it is, for the error of a schema that answers with a promise.
 * @param refuse - Makes the error of a value that the schema refuses.
 * @throws What `refuse` gave, SF_SCHEMA_ASYNC
 */
function checked<Read>(
  schema: Schema<unknown, Read>,
  value: unknown,
  subject: string,
  location: ErrorLocation,
  refuse: (issues: string[]) => StageflowError,
  describe: (value: unknown) => string = describeReceived,
): Read {
  const result = validate(schema, value);
  if (result instanceof Promise) throw new StageflowError('SF_SCHEMA_ASYNC', { subject }, location);
  if (result.issues !== undefined) throw refuse([...issueLines(result.issues), `received ${describe(value)}`]);
  return result.value;
}

/** The payload of an event of the host's own. @throws SF_EVENT_INVALID, SF_SCHEMA_ASYNC */
export function checkedPayload<P>(name: string, schema: Schema<unknown, P>, payload: unknown, location: ErrorLocation): P {
  const refuse = (issues: string[]): StageflowError => new StageflowError('SF_EVENT_INVALID', { event: name, issues }, location);
  return checked(schema, payload, `event "${name}"`, location, refuse);
}

/** A value that the run was given under `extensions`. @throws SF_EXTENSION_INVALID, SF_SCHEMA_ASYNC */
export function checkedExtension<Read>(key: string, schema: Schema<unknown, Read>, value: unknown, location: ErrorLocation): Read {
  const refuse = (issues: string[]): StageflowError => new StageflowError('SF_EXTENSION_INVALID', { extension: key, issues }, location);
  return checked(schema, value, `extension "${key}"`, location, refuse);
}

/** A value of the configuration. @throws SF_CONFIG_INVALID, SF_SCHEMA_ASYNC */
export function checkedConfig<Read>(key: string, schema: Schema<unknown, Read>, value: unknown, location: ErrorLocation): Read {
  const refuse = (issues: string[]): StageflowError => new StageflowError('SF_CONFIG_INVALID', { key, issues }, location);
  return checked(schema, value, `configuration "${key}"`, location, refuse, withoutValue);
}

/** What configuration is, and not what it says: much of it is secret, and errors go to logs. */
function withoutValue(value: unknown): string {
  return typeof value === 'string' || typeof value === 'number' ? `a ${typeof value}` : describeReceived(value);
}
