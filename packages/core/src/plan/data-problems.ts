import type { PlanProblem } from '../error-details.ts';
import { describeReceived } from '../schema.ts';
import { problem } from './validate.ts';

/**
 * What keeps data from being read as a pipeline at all: it may come from a file and hold anything anywhere. What it
 * says about a graph is looked at only when there is nothing here.
 */
export function dataProblems(spec: unknown): readonly PlanProblem[] {
  if (!isRecord(spec)) return [misshapen('definePipeline()', 'spec', 'an object', spec)];
  const { name, stages, outputs, also } = spec;
  const subject = typeof name === 'string' ? `pipeline "${name}"` : 'the pipeline';
  const problems: PlanProblem[] = [];
  if (typeof name !== 'string') problems.push(misshapen(subject, 'name', 'a string', name));
  if (!isAbsent(outputs) && !isRecord(outputs)) problems.push(misshapen(subject, 'outputs', 'an object of sources by key', outputs));
  if (!isAbsent(also) && !Array.isArray(also)) problems.push(misshapen(subject, 'also', 'a list of stage names', also));
  if (!Array.isArray(stages)) return [...problems, misshapen(subject, 'stages', 'a list of stages', stages)];
  for (const [at, stage] of stages.entries()) problems.push(...stageProblems(stage, `stages[${at}]`));
  return problems;
}

function stageProblems(stage: unknown, place: string): readonly PlanProblem[] {
  if (!isRecord(stage)) return [misshapen('the pipeline', place, 'an object', stage)];
  const { name, needs, after, when } = stage;
  const subject = typeof name === 'string' ? `stage "${name}"` : place;
  const problems: PlanProblem[] = [];
  if (typeof name !== 'string') problems.push(misshapen(subject, 'name', 'a string', name));
  if (!isAbsent(needs) && !isRecord(needs)) problems.push(misshapen(subject, 'needs', 'an object of sources by key', needs));
  if (after !== undefined && !Array.isArray(after)) problems.push(misshapen(subject, 'after', 'a list of stage names', after));
  if (when !== undefined && typeof when !== 'function' && !isCondition(when)) {
    problems.push(misshapen(subject, 'when', 'a function, or the name of a route with the list of arms under "is"', when));
  }
  return problems;
}

function isCondition(when: unknown): boolean {
  if (!isRecord(when) || typeof when['route'] !== 'string' || !Array.isArray(when['is'])) return false;
  return when['is'].length > 0 && when['is'].every((arm) => typeof arm === 'string');
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** JSON writes what is absent as `null`. */
function isAbsent(value: unknown): boolean {
  return value === undefined || value === null;
}

function misshapen(subject: string, option: string, expected: string, received: unknown): PlanProblem {
  return problem('SF_POLICY_INVALID', { subject, option, expected, received: describeReceived(received) });
}
