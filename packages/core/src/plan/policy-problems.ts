import type { PlanProblem } from '../error-details.ts';
import { errorTable } from '../error-table.ts';
import { resourceOptionProblem } from '../limits/resource-use.ts';
import type { RetryPolicy } from '../retry.ts';
import { describeReceived } from '../schema.ts';
import type { DraftRegion, DraftStage, PipelinePolicy, PlanDraft } from './draft.ts';

/** The longest delay that timers of the platform keep: 2^31 - 1 milliseconds, about 24.8 days. */
export const longestTimerMs = 2_147_483_647;

/** One option that must hold, with what it must be in words. */
interface Rule {
  readonly option: string;
  readonly value: unknown;
  readonly expected: string;
  readonly holds: (value: unknown) => boolean;
}

const isDuration = (value: unknown): boolean => typeof value === 'number' && value > 0 && value <= longestTimerMs;
const isWait = (value: unknown): boolean => typeof value === 'number' && value >= 0 && value <= longestTimerMs;
const isCount = (value: unknown): boolean => Number.isSafeInteger(value) && (value as number) >= 1;

export function duration(option: string, value: unknown): Rule {
  return { option, value, expected: `a number of milliseconds above 0 and at most ${longestTimerMs}`, holds: isDuration };
}

function wait(option: string, value: unknown): Rule {
  return { option, value, expected: `a number of milliseconds from 0 to ${longestTimerMs}`, holds: isWait };
}

export function count(option: string, value: unknown): Rule {
  return { option, value, expected: 'an integer of at least 1', holds: isCount };
}

export function oneOf(option: string, value: unknown, allowed: readonly string[]): Rule {
  return {
    option,
    value,
    expected: `one of ${allowed.map((word) => `"${word}"`).join(', ')}`,
    holds: (given) => allowed.includes(given as string),
  };
}

function listOf(option: string, value: unknown, allowed: readonly string[]): Rule {
  return {
    option,
    value,
    expected: `a list of ${allowed.map((word) => `"${word}"`).join(', ')}`,
    holds: (given) => Array.isArray(given) && given.every((word) => allowed.includes(word)),
  };
}

function aFunction(option: string, value: unknown): Rule {
  return { option, value, expected: 'a function', holds: (given) => typeof given === 'function' };
}

function leftOut(option: string, value: unknown, kind: string): Rule {
  return { option, value, expected: `left out for a ${kind}`, holds: () => false };
}

/** The rules of options that pipelines and runs share. */
export function policyRules(policy: PipelinePolicy): Rule[] {
  return [
    oneOf('failureMode', policy.failureMode, ['fail-fast', 'continue', 'best-effort']),
    count('maxConcurrency', policy.maxConcurrency),
    duration('deadlineMs', policy.deadlineMs),
    wait('graceMs', policy.graceMs),
    wait('cleanupMs', policy.cleanupMs),
    count('maxCallDepth', policy.maxCallDepth),
    oneOf('journal', policy.journal, ['none', 'exit', 'stage']),
    listOf('undoOn', policy.undoOn, ['failed', 'blocked', 'cancelled']),
  ];
}

/** The first rule that a given option breaks. */
export function brokenRules(
  rules: readonly Rule[],
): readonly { readonly option: string; readonly expected: string; readonly received: string }[] {
  return rules
    .filter(({ value, holds }) => value !== undefined && !holds(value))
    .map(({ option, expected, value }) => ({ option, expected, received: describeReceived(value) }));
}

/** The rules of how a sink's queue behaves. */
export function sinkQueueRules(options: { readonly capacity?: unknown; readonly overflow?: unknown }): Rule[] {
  return [count('capacity', options.capacity), oneOf('overflow', options.overflow, ['drop-oldest', 'drop-newest'])];
}

/** The rule of how long a store lends a run to a process. */
export function leaseRules(leaseMs: unknown): Rule[] {
  return [duration('leaseMs', leaseMs)];
}

/** What is wrong with the options of a pipeline. */
export function pipelinePolicyProblems(draft: PlanDraft): PlanProblem[] {
  return asProblems(`pipeline "${draft.name}"`, policyRules(draft.policy));
}

/** What is wrong with the options of a stage. */
export function stagePolicyProblems({ name, kind, spec, region }: DraftStage): PlanProblem[] {
  if (isPlain(kind, spec)) return [];
  if (region !== undefined) return asProblems(`region "${name}"`, regionRules(kind, spec, region));
  const rules = [
    oneOf('kind', kind, ['transform', 'enrich', 'agent', 'route', 'guard', 'work']),
    duration('timeoutMs', spec.timeoutMs),
    duration('idleMs', spec.idleMs),
    duration('budgetMs', spec.budgetMs),
    wait('graceMs', spec.graceMs),
    ...retryRules('retry', spec.retry),
    ...resourceRules(spec.resource),
    kind === 'guard' || kind === 'route'
      ? leftOut('onFailure', spec.onFailure, kind)
      : oneOf('onFailure', spec.onFailure, ['fail', 'skip']),
    aFunction('idempotencyKey', spec.idempotencyKey),
    ...deduplicateRules(kind, spec),
    ...undoRules(kind, spec.undo),
    { option: 'run', value: spec.run ?? null, expected: 'a function', holds: (given: unknown) => typeof given === 'function' },
    ...streamRules(kind, spec.streams),
    { option: 'output', value: spec.output, expected: 'a Standard Schema', holds: isSchema },
  ];
  return asProblems(`stage "${name}"`, rules);
}

function retryRules(option: string, retry: RetryPolicy | undefined): Rule[] {
  return [
    { option, value: retry, expected: 'an object of options', holds: (given) => typeof given === 'object' && given !== null },
    count(`${option}.attempts`, retry?.attempts),
    wait(`${option}.baseMs`, retry?.baseMs),
    wait(`${option}.maxMs`, retry?.maxMs),
    oneOf(`${option}.backoff`, retry?.backoff, ['constant', 'linear', 'exponential']),
    oneOf(`${option}.jitter`, retry?.jitter, ['none', 'full', 'equal', 'decorrelated']),
    aFunction(`${option}.when`, retry?.when),
  ];
}

/** How an effect is undone. */
function undoRules(kind: string, undo: DraftStage['spec']['undo']): Rule[] {
  if (undo === undefined) return [];
  if (kind !== 'work') return [leftOut('undo', undo, kind)];
  if (typeof undo === 'function') return [];
  const isOptions = typeof undo === 'object' && undo !== null;
  const rule: Rule = { option: 'undo', value: undo, expected: 'a function, or an object of options', holds: () => isOptions };
  if (!isOptions) return [rule];
  return [
    { ...aFunction('undo.run', undo.run ?? null) },
    ...retryRules('undo.retry', undo.retry),
    duration('undo.timeoutMs', undo.timeoutMs),
  ];
}

/** What an effect may ask of repeats. */
function deduplicateRules(kind: string, { deduplicate, idempotencyKey }: DraftStage['spec']): Rule[] {
  if (deduplicate === undefined) return [];
  if (kind !== 'work') return [leftOut('deduplicate', deduplicate, kind)];
  const holds = (given: unknown): boolean => given === true || (typeof given === 'object' && given !== null);
  const key = { ...aFunction('idempotencyKey', idempotencyKey ?? null), expected: 'a function, where "deduplicate" is given' };
  const rules: Rule[] = [key, { option: 'deduplicate', value: deduplicate, expected: 'true, or an object of options', holds }];
  if (!holds(deduplicate) || deduplicate === true) return rules;
  const isName = (given: unknown): boolean => typeof given === 'string' && given !== '';
  const isTime = (given: unknown): boolean => typeof given === 'number' && given > 0 && Number.isFinite(given);
  return [
    ...rules,
    { option: 'deduplicate.scope', value: deduplicate.scope, expected: 'a string that is not empty', holds: isName },
    aFunction('deduplicate.params', deduplicate.params),
    { option: 'deduplicate.ttlMs', value: deduplicate.ttlMs, expected: 'a number of milliseconds above 0', holds: isTime },
  ];
}

/** The first thing that is wrong with the resources that a stage names. */
function resourceRules(resource: unknown): Rule[] {
  const problem = resource === undefined ? undefined : resourceOptionProblem(resource);
  return problem === undefined ? [] : [{ ...problem, value: problem.value ?? null, holds: () => false }];
}

/** What a stage may say about its chunks. */
function streamRules(kind: string, streams: DraftStage['spec']['streams']): Rule[] {
  if (streams === undefined) return [];
  if (kind === 'guard' || kind === 'route' || kind === 'work') return [leftOut('streams', streams, kind)];
  const holds = (given: unknown): boolean => given === true || (typeof given === 'object' && given !== null);
  const rules: Rule[] = [{ option: 'streams', value: streams, expected: 'true, or an object of options', holds }];
  if (!holds(streams) || streams === true) return rules;
  const isFlag = (given: unknown): boolean => typeof given === 'boolean';
  return [
    ...rules,
    { option: 'streams.publish', value: streams.publish, expected: 'true or false', holds: isFlag },
    { option: 'streams.keepPartial', value: streams.keepPartial, expected: 'true or false', holds: isFlag },
    { option: 'streams.chunk', value: streams.chunk, expected: 'a Standard Schema', holds: isSchema },
  ];
}

/** What stands in a region has limits; the region itself has those of its constructor. */
function regionRules(kind: string, spec: DraftStage['spec'], { options }: DraftRegion): Rule[] {
  const limits = ['timeoutMs', 'idleMs', 'budgetMs', 'graceMs', 'retry', 'resource'] as const;
  const rules = limits.map((option) => leftOut(option, spec[option], kind));
  if (kind === 'map') {
    rules.push(count('concurrency', options['concurrency']), aFunction('key', options['key']));
    rules.push(oneOf('onItemError', options['onItemError'], ['fail', 'skip', 'collect']));
  } else if (kind === 'loop') {
    rules.push(count('maxTurns', options['maxTurns'] ?? null), aFunction('until', options['until'] ?? null));
    rules.push(oneOf('onExhausted', options['onExhausted'], ['fail', 'keep']));
  } else if (kind === 'guarded') {
    rules.push(
      count('attempts', options['attempts']),
      count('stagnation', options['stagnation']),
      duration('timeoutMs', options['timeoutMs']),
    );
  }
  return rules;
}

/** Whether there is nothing to check: most stages have no policy, and large graphs have many stages. */
function isPlain(kind: string, spec: DraftStage['spec']): boolean {
  if ((kind !== 'transform' && kind !== 'enrich' && kind !== 'agent') || typeof spec.run !== 'function') return false;
  return (
    spec.timeoutMs === undefined &&
    spec.idleMs === undefined &&
    spec.budgetMs === undefined &&
    spec.graceMs === undefined &&
    spec.retry === undefined &&
    spec.resource === undefined &&
    spec.onFailure === undefined &&
    spec.idempotencyKey === undefined &&
    spec.deduplicate === undefined &&
    spec.undo === undefined &&
    spec.output === undefined &&
    spec.streams === undefined
  );
}

export function asProblems(subject: string, rules: readonly Rule[]): PlanProblem[] {
  const entry = errorTable.SF_POLICY_INVALID;
  return brokenRules(rules).map((broken) => {
    const details = { subject, ...broken };
    return { code: 'SF_POLICY_INVALID', message: entry.message(details), hint: entry.hint(details) };
  });
}

function isSchema(value: unknown): boolean {
  if (value === null || (typeof value !== 'object' && typeof value !== 'function')) return false;
  const standard = (value as { '~standard'?: { validate?: unknown } })['~standard'];
  return typeof standard?.validate === 'function';
}
