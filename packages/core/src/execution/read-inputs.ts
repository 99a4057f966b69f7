import { type ErrorLocation, StageflowError } from '../errors.ts';
import type { Plan } from '../plan/plan.ts';
import { describeReceived, issueLines, type SchemaResult, validate } from '../schema.ts';

/**
 * Puts the inputs of a plan in their slots. A promise only where a schema answers with one.
 *
 * @param location - Where the error belongs.
 * @throws SF_INPUT_INVALID with all that are invalid; as a rejection where a schema answers with a promise.
 */
export function readInputs(
  plan: Plan,
  input: unknown,
  slots: unknown[],
  location: ErrorLocation = { pipeline: plan.name },
): Promise<void> | undefined {
  const given = Object(input ?? {}) as Record<string, unknown>;
  const invalid: { readonly input: string; readonly issues: readonly string[] }[] = [];
  let pending: Promise<void>[] | undefined;
  for (const [at, { name, schema }] of plan.inputs.entries()) {
    const slot = plan.stages.length + at;
    const value = Object.hasOwn(given, name) ? given[name] : undefined;
    if (schema === undefined) {
      slots[slot] = value;
      continue;
    }
    const keep = (result: SchemaResult<unknown>): void => {
      if (result.issues === undefined) slots[slot] = result.value;
      else invalid.push({ input: name, issues: [...issueLines(result.issues), `received ${describeReceived(value)}`] });
    };
    const result = validate(schema, value);
    if (!(result instanceof Promise)) keep(result);
    else {
      pending ??= [];
      pending.push(result.then(keep));
    }
  }
  const report = (): void => {
    if (invalid.length > 0) throw new StageflowError('SF_INPUT_INVALID', { inputs: invalid }, location);
  };
  if (pending !== undefined) return Promise.all(pending).then(report);
  report();
  return undefined;
}
