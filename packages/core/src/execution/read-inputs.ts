import type { ErrorDetails } from '../error-details.ts';
import { type ErrorLocation, StageflowError } from '../errors.ts';
import { nearestName } from '../nearest-name.ts';
import type { Plan } from '../plan/plan.ts';
import { describeReceived, issueLines, type SchemaResult, validate } from '../schema.ts';

type InvalidInput = ErrorDetails['SF_INPUT_INVALID']['inputs'][number];

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
  const invalid: InvalidInput[] = [];
  let pending: Promise<void>[] | undefined;
  for (const [at, { name, schema }] of plan.inputs.entries()) {
    const slot = plan.stages.length + at;
    const isGiven = Object.hasOwn(given, name);
    const value = isGiven ? given[name] : undefined;
    if (schema === undefined) {
      slots[slot] = value;
      continue;
    }
    const keep = (result: SchemaResult<unknown>): void => {
      if (result.issues === undefined) slots[slot] = result.value;
      else {
        const issues = [
          ...issueLines(result.issues),
          isGiven ? `received ${describeReceived(value)}` : 'nothing was given under that name',
        ];
        invalid.push({ input: name, issues, nearest: isGiven ? undefined : nearestGiven(name, plan, given) });
      }
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

/** How many names that no input has are looked at: what is given may come from anybody. */
const looked = 100;

/** What was probably meant to be the input `name`. */
function nearestGiven(name: string, plan: Plan, given: Readonly<Record<string, unknown>>): string | undefined {
  const inputs = new Set(plan.inputs.map((input) => input.name));
  const strangers = Object.keys(given).filter((key) => !inputs.has(key));
  return nearestName(name, strangers.slice(0, looked));
}
