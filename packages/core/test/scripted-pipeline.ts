import {
  block,
  cancel,
  fail,
  firstOf,
  guard,
  inputs,
  optional,
  pass,
  pipeline,
  type RetryPolicy,
  retryLater,
  review,
  route,
  type Schema,
  type StageContext,
  type StageOutcome,
  services,
  settled,
  skip,
  stage,
  suspend,
  transform,
  work,
} from '@stageflow/core';
import { type DefinedPipeline, definePipeline, type PipelineSpecData, type SourceSpec, type StageSpecData } from '@stageflow/core/define';
import type { VirtualClock } from '@stageflow/testing';
import {
  arms,
  callOf,
  digest,
  keyOf,
  type ScriptedEdge,
  type ScriptedGraph,
  type ScriptedStage,
  slowContractMs,
} from './scripted-graph.ts';

/** One thing that a stage's function did. */
export interface Deed {
  readonly did: 'called' | 'settled' | 'cleaned up';
  readonly stage: string;
  readonly attempt: number;
  readonly atMs: number;
}

/** Where the functions of one run live, and leave what they did, in order. */
export interface Stagehand {
  readonly clock: VirtualClock;
  readonly caller: AbortController;
  readonly deeds: Deed[];
}

/** The graph as a pipeline whose functions do as scripted. */
export function scriptedPipeline(graph: ScriptedGraph, hand: Stagehand): DefinedPipeline {
  return graph.byReference ? byReference(graph, hand) : definePipeline(scriptedData(graph, hand));
}

/** The graph as data. */
export function scriptedData(graph: ScriptedGraph, hand: Stagehand): PipelineSpecData {
  const name = (index: number): string => graph.stages[index]?.name ?? '';
  const source = ({ read, from }: ScriptedEdge): SourceSpec => {
    const [first = ''] = from.map(name);
    if (read === 'input') return { input: 'text' };
    if (read === 'service') return { service: 'model' };
    if (read === 'firstOf' || read === 'optionalFirstOf') return { firstOf: from.map(name), optional: read === 'optionalFirstOf' };
    return read === 'optional' ? { optional: first } : read === 'settled' ? { settled: first } : first;
  };
  const stages = graph.stages.map((scripted): StageSpecData => {
    const { kind, needs, after, when } = scripted;
    const subject = kind === 'guard' ? needs.at(-1) : undefined;
    const plain = kind === 'guard' ? needs.slice(0, -1) : needs;
    return {
      ...policies(scripted, hand),
      name: scripted.name,
      kind,
      needs: Object.fromEntries(plain.map((edge, at) => [keyOf(scripted, at), source(edge)])),
      after: after.map(name),
      when: typeof when === 'object' ? { route: name(when.route), is: when.arms } : predicate(scripted),
      subject: subject && source(subject),
      run: behaviour(scripted, hand),
    };
  });
  return {
    name: 'scripted',
    // Data may stand in any order.
    stages: stages.reverse(),
    outputs: Object.fromEntries(graph.outputs.map((edge, at) => [`output${at}`, source(edge)])),
    also: graph.also.map(name),
  };
}

function byReference(graph: ScriptedGraph, hand: Stagehand): DefinedPipeline {
  const { text } = inputs<{ text: number }>();
  const { model } = services<{ model: number }>();
  // What is written is decided at run time, so the compiler cannot follow.
  const made: never[] = [];
  const source = ({ read, from }: ScriptedEdge): never => {
    const [first, ...others] = from.map((index) => made[index] as never);
    const coalesced = (): never => firstOf(first as never, ...(others as [never])) as never;
    switch (read) {
      case 'input':
        return text as never;
      case 'service':
        return model as never;
      case 'firstOf':
        return coalesced();
      case 'optionalFirstOf':
        return optional(coalesced()) as never;
      case 'optional':
        return optional(first as never) as never;
      case 'settled':
        return settled(first as never) as never;
      case 'value':
        return first as never;
    }
  };
  const makers = { transform: stage, work, route } as unknown as Record<string, (name: string, spec: unknown) => never>;
  for (const scripted of graph.stages) {
    const { name, kind, needs, after, when } = scripted;
    const run = behaviour(scripted, hand);
    const plain = kind === 'guard' ? needs.slice(0, -1) : needs;
    const spec = {
      ...policies(scripted, hand),
      needs: Object.fromEntries(plain.map((edge, at) => [keyOf(scripted, at), source(edge)])),
      after: after.map((index) => made[index]),
      when:
        typeof when === 'object'
          ? (made[when.route] as unknown as ReturnType<typeof route>).is(...(when.arms as [never]))
          : predicate(scripted),
    };
    if (kind !== 'guard') made.push(makers[kind]?.(name, { ...spec, run }) as never);
    else made.push(guard(name, { ...spec, subject: source(needs.at(-1) as ScriptedEdge), check: run } as never) as never);
  }
  return pipeline('scripted', {
    outputs: Object.fromEntries(graph.outputs.map((edge, at) => [`output${at}`, source(edge)])),
    also: Object.fromEntries(graph.also.map((index) => [`also${index}`, made[index]])) as never,
  }) as unknown as DefinedPipeline;
}

function policies(scripted: ScriptedStage, { clock }: Stagehand): Pick<StageSpecData, 'timeoutMs' | 'retry' | 'onFailure'> {
  const { contract, skipsOnFailure, failOpen, hasKey, retry, timeoutMs, idleMs, budgetMs, graceMs, kind } = scripted;
  return {
    retry: retry && asking(scripted),
    timeoutMs,
    ...{ idleMs, budgetMs, graceMs, output: contract && numbersPlusOne(contract, clock) },
    ...(skipsOnFailure ? { onFailure: 'skip' as const } : {}),
    ...(kind === 'guard' ? { failOpen } : {}),
    ...(hasKey ? { idempotencyKey: () => 'key' } : {}),
  };
}

function asking({ retry, asks }: ScriptedStage): RetryPolicy {
  if (asks === undefined) return { ...retry };
  const when = (): boolean => {
    if (asks === 'throws') throw new Error('the classifier of the script threw');
    return asks === 'always';
  };
  return { ...retry, when };
}

function numbersPlusOne(answers: NonNullable<ScriptedStage['contract']>, clock: VirtualClock): Schema<unknown, number> {
  const check = (value: unknown) => (typeof value === 'number' ? { value: value + 1 } : { issues: [{ message: 'must be a number' }] });
  const later = async (value: unknown) => check(value);
  const slow = (value: unknown) => clock.sleep(slowContractMs).then(() => check(value));
  const validate = { 'at once': check, later, slow }[answers];
  return { '~standard': { version: 1, vendor: 'scripted', validate } };
}

function predicate({ name, when }: ScriptedStage): ((values: Readonly<Record<string, unknown>>) => boolean) | undefined {
  if (when === undefined) return undefined;
  return (values) => {
    if (when === 'throws') throw new Error('the predicate of the script threw');
    return when === 'undecided' ? ('perhaps' as never) : digestOf(name, values) % 2 === 0;
  };
}

type Behaviour = (values: Readonly<Record<string, unknown>>, context: StageContext) => unknown;

function behaviour(scripted: ScriptedStage, { clock, caller, deeds }: Stagehand): Behaviour {
  return (values, context) => {
    const attempt = context.attempt;
    const { brings, afterMs, onAbort, beatMs, pullsThePlug } = callOf(scripted, attempt);
    const note = (did: Deed['did']): void => void deeds.push({ did, stage: scripted.name, attempt, atMs: clock.monotonic() });
    const settle = (): unknown => {
      note('settled');
      if (beatMs !== undefined) context.progress(1);
      return answer(scripted, brings, values);
    };
    note('called');
    if (attempt === 1 && scripted.hasKey) context.defer(() => note('cleaned up'));
    if (pullsThePlug) caller.abort('the script pulled the plug');
    if (afterMs === undefined) return settle();
    if (afterMs === 0) return Promise.resolve().then(settle);
    return new Promise((resolve, reject) => {
      let isSettled = false;
      const attend = (act: () => unknown) => (): void => {
        if (isSettled) return;
        isSettled = true;
        try {
          resolve(act());
        } catch (error) {
          reject(error);
        }
      };
      const timer = Number.isFinite(afterMs) ? clock.schedule(attend(settle), afterMs) : undefined;
      if (beatMs !== undefined) clock.schedule(context.heartbeat, beatMs);
      if (onAbort === 'ignores') return;
      const { signal } = context;
      const react = attend(() => {
        timer?.cancel();
        note('settled');
        if (beatMs !== undefined) context.progress(1);
        if (onAbort === 'obeys') throw signal.reason;
        return answer(scripted, onAbort === 'throws' ? 'throw' : scripted.kind === 'guard' ? 'pass' : 'value', values);
      });
      if (signal.aborted) react();
      else signal.addEventListener('abort', react, { once: true });
    });
  };
}

/** What a call comes to, as the function of a stage says it. */
function answer(
  { name, kind, contract }: ScriptedStage,
  brings: ReturnType<typeof callOf>['brings'],
  values: Readonly<Record<string, unknown>>,
): unknown {
  const number = digestOf(name, values);
  switch (brings) {
    case 'value':
      return kind === 'route' ? arms[number % arms.length] : number;
    case 'throw':
      throw new Error('the script says so');
    case 'throw for good':
      throw Object.assign(new Error('the script says so'), { retryable: false });
    case 'fail':
      return fail(new Error('the script says so'));
    case 'retryLater':
      return retryLater(new Error('the script says so'), { afterMs: 30 });
    case 'skip':
      return skip('the script says so');
    case 'cancel':
      return cancel('the script says so');
    case 'suspend':
      return suspend('the script asks');
    case 'nonsense':
      return contract === undefined ? undefined : 'no number';
    case 'pass':
      return pass();
    case 'transform':
      return transform(number);
    case 'block':
      return block('the script says so');
    case 'review':
      return review('the script asks');
  }
}

function digestOf(name: string, values: Readonly<Record<string, unknown>>): number {
  return digest(
    name,
    Object.entries(values).map(([key, value]) => [key, briefly(value)]),
  );
}

/** A value as the model has it: outcomes, which guards may hand on, are in words. */
export function briefly(value: unknown): unknown {
  return typeof value === 'object' ? inWords(value as StageOutcome) : value;
}

/** An outcome as the model writes it. */
export function inWords(outcome: StageOutcome): string {
  switch (outcome.status) {
    case 'completed':
      return `completed ${String(briefly(outcome.output))}`;
    case 'skipped':
      return outcome.rootCause === undefined ? 'skipped' : `skipped behind ${outcome.rootCause.status} ${outcome.rootCause.stage}`;
    case 'failed':
      return `failed ${outcome.error.code}`;
    case 'blocked':
      return `blocked ${outcome.error?.code ?? outcome.reason}`;
    case 'cancelled':
    case 'suspended':
      return outcome.status;
  }
}
