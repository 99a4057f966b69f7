import type { PlanProblem } from '../error-details.ts';
import { StageflowError } from '../errors.ts';
import { problem } from '../plan/validate.ts';
import type { Needs } from '../source.ts';
import { takenName } from './additions.ts';
import type { Flow } from './builder.ts';
import type { FlowDefinition, NamedEdge, Step } from './definition.ts';
import { flowOf } from './flow.ts';

/**
 * Joins two flows: the stages of `first`, then those of `second`. A stage that both have counts once, if both describe
 * it alike: same names, same functions, same options. The result is named after both, helpers go on from the last stage
 * of `second`, and stages added to it may read from either.
 *
 * @throws SF_PLAN_INVALID with every name that stands for one thing here and for another there.
 * @example
 * ```ts
 * const chat = compose(lookups, answers).build({ outputs: ['answer'] });
 * ```
 */
export function compose<
  FirstGiven extends Needs,
  FirstStages extends Needs,
  FirstLast extends string,
  SecondGiven extends Needs,
  SecondStages extends Needs,
  SecondLast extends string,
>(
  first: Flow<FirstGiven, FirstStages, FirstLast>,
  second: Flow<SecondGiven, SecondStages, SecondLast>,
): Flow<FirstGiven & SecondGiven, FirstStages & SecondStages, SecondLast> {
  return flowOf(joined(first['~definition'] as FlowDefinition, second['~definition'] as FlowDefinition));
}

function joined(first: FlowDefinition, second: FlowDefinition): FlowDefinition {
  const name = first.name === second.name ? first.name : `${first.name}+${second.name}`;
  const conflicts = conflictsBetween(first, second);
  // Flows that were continued from one flow share its problems.
  const problems = [...new Set([...first.problems, ...second.problems])];
  if (conflicts.length > 0) {
    throw new StageflowError('SF_PLAN_INVALID', { pipeline: name, problems: [...problems, ...conflicts] }, { pipeline: name });
  }
  return {
    name,
    given: [...new Set([...first.given, ...second.given])],
    steps: new Map([...first.steps, ...[...second.steps].filter(([each]) => !first.steps.has(each))]),
    last: second.last,
    problems,
  };
}

function conflictsBetween(first: FlowDefinition, second: FlowDefinition): PlanProblem[] {
  const conflicts: PlanProblem[] = [];
  for (const step of second.steps.values()) {
    const other = first.steps.get(step.name);
    if (other === undefined || !isSameStep(step, other)) conflicts.push(...takenName(first, first.steps, step.name));
  }
  for (const name of first.steps.keys()) if (!second.steps.has(name)) conflicts.push(...takenName(second, second.steps, name));
  for (const key of second.given.flatMap(Object.keys)) {
    const [own, other] = [givenAs(second, key), givenAs(first, key)];
    if (other === undefined || isSameSource(own, other)) continue;
    const subject = `compose() of "${first.name}" and "${second.name}"`;
    const details = { subject, option: key, expected: 'given the same in both', received: 'two that differ' };
    conflicts.push(problem('SF_POLICY_INVALID', details));
  }
  return conflicts;
}

function givenAs({ given }: FlowDefinition, key: string): unknown {
  return given.find((record) => Object.hasOwn(record, key))?.[key];
}

function isSameStep(one: Step, other: Step): boolean {
  return (
    one === other ||
    (one.kind === other.kind &&
      one.unwrapped === other.unwrapped &&
      isSameEach(one.needs, other.needs, isSameEdge) &&
      isSameEach(one.after, other.after, Object.is) &&
      one.gate?.route === other.gate?.route &&
      isSameEach(one.gate?.arms ?? [], other.gate?.arms ?? [], Object.is) &&
      isSameEach(one.options, other.options, isSameOption))
  );
}

function isSameEdge(one: NamedEdge, other: NamedEdge): boolean {
  return one.key === other.key && one.read === other.read && isSameEach(one.from, other.from, isSameSource);
}

/** Of stages their names, because the stages behind them are compared too. */
function isSameSource(one: unknown, other: unknown): boolean {
  return one === other || (isGivenToRuns(one) && isGivenToRuns(other) && isSameEach(one, other, Object.is));
}

/** Modules may each declare the inputs and services that they read. */
function isGivenToRuns(source: unknown): source is object {
  const kind = (source as { readonly kind?: unknown } | null)?.kind;
  return kind === 'input' || kind === 'service';
}

/** Functions and schemas are the same or not; a retry policy and tags may be written twice. */
function isSameOption(one: unknown, other: unknown): boolean {
  return Object.is(one, other) || (isPlain(one) && isPlain(other) && isSameEach(one, other, Object.is));
}

function isPlain(value: unknown): value is object {
  return Array.isArray(value) || (typeof value === 'object' && value !== null && Object.getPrototypeOf(value) === Object.prototype);
}

function isSameEach<T>(one: object, other: object, isSame: (one: T, other: T) => boolean): boolean {
  const entries = Object.entries(one) as [string, T][];
  const members = other as Readonly<Record<string, T>>;
  return (
    entries.length === Object.keys(other).length &&
    entries.every(([key, value]) => Object.hasOwn(other, key) && isSame(value, members[key] as T))
  );
}
