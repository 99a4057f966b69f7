import { virtualClock } from '@stageflow/testing';
import { describe, expect, test } from 'vitest';
import { allOf } from '../test/all-of.ts';
import { durabilityProvocations, suspendedRun } from '../test/provoked-durability.ts';
import { limitProvocations } from '../test/provoked-limits.ts';
import { stepProvocations } from '../test/provoked-steps.ts';
import { cancel, suspend } from './control.ts';
import { definePipeline, type PipelineSpecData } from './define.ts';
import { defineEvent } from './define-event.ts';
import { optional, settled } from './edge.ts';
import type { ErrorCode, PlanProblem } from './error-details.ts';
import { errorTable } from './error-table.ts';
import { isStageflowError, StageflowError } from './errors.ts';
import type { RunOptions } from './execution/start-run.ts';
import { block, guard, pass } from './guard.ts';
import { type GuardedOptions, guarded } from './guarded.ts';
import { inputs, services } from './inputs.ts';
import { loop } from './loop.ts';
import { map } from './map.ts';
import { type Pipeline, pipeline } from './pipeline.ts';
import type { Run } from './run.ts';
import { completedOrThrow } from './runnable.ts';
import { createRuntime } from './runtime.ts';
import type { Schema } from './schema.ts';
import type { Source } from './source.ts';
import { type Stage, type StagePolicy, stage } from './stage.ts';
import type { StageContext } from './stage-context.ts';
import { type StreamedOptions, streamed } from './streamed.ts';

/** What a case gives: an error, or a problem that SF_PLAN_INVALID lists. */
type Provoked = StageflowError | PlanProblem;

const { text } = inputs<{ text: string }>();

/** Refuses everything, with the issues given. */
function refusing(...issues: readonly { readonly message: string; readonly path?: readonly PropertyKey[] }[]): Schema<unknown, never> {
  return { '~standard': { version: 1, vendor: 'test', validate: () => ({ issues }) } };
}

const late: Schema<unknown, unknown> = { '~standard': { version: 1, vendor: 'test', validate: async (value) => ({ value }) } };

/** The error that `act` throws, or rejects with. */
async function thrownBy(act: () => unknown): Promise<StageflowError> {
  try {
    await act();
  } catch (error) {
    if (isStageflowError(error)) return error;
    throw error;
  }
  throw new Error('Nothing was thrown.');
}

/** The problem with `code` among those of the plan that `act` makes. */
async function problemOf(code: ErrorCode, act: () => unknown): Promise<PlanProblem> {
  const error = await thrownBy(act);
  const found = isStageflowError(error, 'SF_PLAN_INVALID') ? error.details.problems.find((problem) => problem.code === code) : undefined;
  return found ?? Promise.reject(error);
}

function data(spec: Partial<PipelineSpecData>): () => unknown {
  return () => definePipeline({ name: 'chat', stages: [], outputs: {}, ...spec });
}

/** How a run of one stage named `ask` ended. */
async function runOf(ask: Stage, options: RunOptions = {}): Promise<Run> {
  const clock = virtualClock();
  const chat = pipeline('chat', { outputs: { ask } });
  return clock.settle(chat.run({} as never, { clock, runId: 'run-1', random: () => 0.5, ...options } as never) as Promise<Run>);
}

async function failureOf(ask: Stage, options: RunOptions = {}): Promise<StageflowError> {
  const run = await runOf(ask, options);
  return run.status === 'failed' ? run.error : Promise.reject(new Error(`The run ended ${run.status}.`));
}

/** The failure of a stage that does this with its context. */
function failing(act: (context: StageContext) => unknown, policy: StagePolicy = {}, options: RunOptions = {}): Promise<StageflowError> {
  return failureOf(stage('ask', { ...policy, run: (_, context) => act(context) }), options);
}

/** The error that a stage threw: `cause` of the failure. */
async function causeOf(failure: Promise<StageflowError>): Promise<StageflowError> {
  const { cause } = await failure;
  return isStageflowError(cause) ? cause : Promise.reject(cause);
}

function obedient({ signal }: StageContext): Promise<never> {
  return new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason)));
}

const ok = stage('ok', { run: () => 1 });
const other = stage('ok', { run: () => 2 });
const strict = guard('safe', { subject: ok, check: () => pass() });
const chat = pipeline('chat', { outputs: { ok } });
const numbers = stage('numbers', { run: () => [1, 2] });
const doubled = (item: Source<number>) => stage('double', { needs: { item }, run: ({ item }) => item * 2 });

/** A draft that no attempt makes good, and that takes a millisecond. */
function drafted(options: GuardedOptions): Stage {
  return guarded(
    'ask',
    (feedback) => {
      const run = (_: unknown, { signal }: StageContext): Promise<string> =>
        new Promise((resolve) => signal.addEventListener('abort', () => resolve('a draft')));
      const draft = stage('draft', { needs: { feedback }, timeoutMs: 1, retry: { attempts: 1 }, run });
      const written = stage('written', { needs: { draft: settled(draft) }, run: () => 'a draft' });
      return guard('good', { subject: written, check: () => block('it is impolite') });
    },
    options,
  );
}
const priced = defineEvent('cart.priced', refusing({ message: 'expected a number', path: ['total'] }));

/** Ways to bring about each code through the public interface. */
const provocations: { readonly [C in ErrorCode]: Readonly<Record<string, () => Promise<Provoked>>> } = {
  SF_PLAN_INVALID: {
    'one problem': () => thrownBy(() => pipeline('chat', { outputs: {} })),
    'two problems': () => thrownBy(() => pipeline(' chat', { outputs: {} })),
  },
  SF_PLAN_EMPTY: { 'no outputs': () => problemOf('SF_PLAN_EMPTY', () => pipeline('chat', { outputs: {} })) },
  SF_NAME_INVALID: {
    'a stage with a slash': () => problemOf('SF_NAME_INVALID', () => pipeline('chat', { outputs: { it: stage('a/b', { run: () => 1 }) } })),
    'an empty pipeline name': () => problemOf('SF_NAME_INVALID', () => pipeline('', { outputs: { ok } })),
    'a key that reaches a prototype': () => problemOf('SF_NAME_INVALID', () => pipeline('chat', { outputs: { ['__proto__']: ok } })),
  },
  SF_DUPLICATE_STAGE: { 'by reference': () => problemOf('SF_DUPLICATE_STAGE', () => pipeline('chat', { outputs: { a: ok, b: other } })) },
  SF_UNKNOWN_STAGE: {
    'with a near name': () => problemOf('SF_UNKNOWN_STAGE', () => chat.configure({ okk: { timeoutMs: 5 } })),
    'with none near': () => problemOf('SF_UNKNOWN_STAGE', data({ outputs: { answer: 'profile' }, stages: [{ name: 'ok', run: () => 1 }] })),
  },
  SF_UNKNOWN_SOURCE: {
    'in needs': () =>
      problemOf('SF_UNKNOWN_SOURCE', () =>
        pipeline('chat', { outputs: { it: stage('ask', { needs: { name: 'Ada' as never }, run: () => 1 }) } }),
      ),
    'that is undefined': () =>
      problemOf('SF_UNKNOWN_SOURCE', () =>
        pipeline('chat', { outputs: { it: stage('ask', { needs: { name: undefined as never }, run: () => 1 }) } }),
      ),
  },
  SF_CYCLE: {
    'of three': () =>
      problemOf(
        'SF_CYCLE',
        data({
          outputs: { a: 'a' },
          stages: [
            { name: 'a', needs: { b: 'b' }, run: () => 1 },
            { name: 'b', after: ['c'], run: () => 1 },
            { name: 'c', needs: { a: 'a' }, run: () => 1 },
          ],
        }),
      ),
  },
  SF_STAGE_UNREACHABLE: {
    'in data': () => problemOf('SF_STAGE_UNREACHABLE', data({ outputs: {}, stages: [{ name: 'lost', run: () => 1 }] })),
  },
  SF_INPUT_CONFLICT: {
    'two schemas': () => {
      const first = stage('first', { needs: { it: inputs({ id: late }).id }, run: () => 1 });
      const second = stage('second', { needs: { it: inputs({ id: refusing() }).id }, run: () => 1 });
      return problemOf('SF_INPUT_CONFLICT', () => pipeline('chat', { outputs: { first, second } }));
    },
  },
  SF_POLICY_INVALID: {
    'of a stage': () =>
      problemOf('SF_POLICY_INVALID', () => pipeline('chat', { outputs: { it: stage('ask', { timeoutMs: -5, run: () => 1 }) } })),
    'of a pipeline': () => problemOf('SF_POLICY_INVALID', () => pipeline('chat', { outputs: { ok }, failureMode: 'fast' as never })),
    'that configure() does not know, with a near name': () =>
      problemOf('SF_POLICY_INVALID', () => chat.configure({ ok: { timeout: 1 } as never })),
    'that configure() does not know': () => problemOf('SF_POLICY_INVALID', () => chat.configure({ ok: { run: 1 } as never })),
  },
  SF_GUARD_TOLERATED: {
    'through optional()': () =>
      problemOf('SF_GUARD_TOLERATED', () =>
        pipeline('chat', { outputs: { it: stage('ask', { needs: { it: optional(strict) }, run: () => 1 }) } }),
      ),
  },
  SF_ROUTE_EXPECTED: {
    'in data': () =>
      problemOf(
        'SF_ROUTE_EXPECTED',
        data({
          outputs: { ask: 'ask' },
          stages: [
            { name: 'ok', run: () => 1 },
            { name: 'ask', when: { route: 'ok', is: ['order'] }, run: () => 1 },
          ],
        }),
      ),
  },
  SF_LOCAL_ESCAPED: {
    'in another stage': () => {
      let item: Source<number> | undefined;
      const it = map('totals', numbers, (given) => {
        item = given;
        return stage('double', { needs: { given }, run: () => 1 });
      });
      const outside = stage('ask', { needs: { item: item as Source<number> }, run: () => 1 });
      return problemOf('SF_LOCAL_ESCAPED', () => pipeline('chat', { outputs: { it, outside } }));
    },
  },
  SF_REGION_CONSTANT: {
    'in a map': () => problemOf('SF_REGION_CONSTANT', () => pipeline('chat', { outputs: { it: map('totals', numbers, () => ok) } })),
  },
  SF_STREAM_INVALID: {
    'of a stage that gives none': () => problemOf('SF_STREAM_INVALID', () => pipeline('chat', { outputs: { it: speaks(ok as never) } })),
    'of one that it also waits for': () =>
      problemOf('SF_STREAM_INVALID', () =>
        pipeline('chat', { outputs: { it: stage('ask', { needs: { tokens: streamed(model3), whole: model3 }, run: () => 1 }) } }),
      ),
    'as an output': () => problemOf('SF_STREAM_INVALID', () => pipeline('chat', { outputs: { it: streamed(model3) } })),
  },

  SF_INPUT_INVALID: {
    'with a path': () => {
      const { user } = inputs({ user: refusing({ message: 'expected a string', path: ['name', 0] }, { message: 'too old' }) });
      return thrownBy(() => pipeline('chat', { outputs: { it: stage('ask', { needs: { user }, run: () => 1 }) } }).run({ user: 7 }));
    },
    'with a wrong name': () => {
      const { user, age } = inputs({ user: refusing({ message: 'expected a string' }), age: refusing({ message: 'expected a number' }) });
      const ask = stage('ask', { needs: { user, age }, run: () => 1 });
      return thrownBy(() => pipeline('chat', { outputs: { ask } }).run({ usre: 'Ada', age: 'old' } as never));
    },
  },
  SF_SERVICE_MISSING: {
    'at run()': () => thrownBy(() => readsModel.run({}, {} as never)),
    'at createRuntime()': () => thrownBy(() => createRuntime({ pipelines: [readsModel] as never, services: {} })),
  },
  SF_OPTION_INVALID: {
    'at run()': () => thrownBy(() => chat.run({}, { maxConcurrency: 0 })),
  },
  SF_PIPELINE_UNKNOWN: {
    'with a near name': () => thrownBy(() => createRuntime({ pipelines: [chat] }).start(pipeline('chatt', { outputs: { ok } }), {})),
    'with none near': () => thrownBy(() => createRuntime({ pipelines: [] }).run(chat, {})),
    'with another of that name': () =>
      thrownBy(() => createRuntime({ pipelines: [chat] }).run(chat.configure({ ok: { timeoutMs: 5 } }), {})),
  },
  SF_DUPLICATE_PIPELINE: {
    'two of one name': () => thrownBy(() => createRuntime({ pipelines: [chat, pipeline('chat', { outputs: { ok } })] })),
  },
  SF_RUNTIME_CLOSED: {
    'after close()': async () => {
      const runtime = createRuntime({ pipelines: [chat] });
      await runtime.close();
      return thrownBy(() => runtime.run(chat, {}));
    },
  },
  SF_RUNTIME_REQUIRED: {
    'by suspend()': () => failing(() => suspend({ question: 'go on?' })),
    'by the name of a resource': () => failing(() => 1, { resource: 'model' }),
    'by a call on a runtime without a store': () => thrownBy(() => createRuntime({ pipelines: [chat] }).recover()),
  },
  ...limitProvocations,

  SF_STAGE_FAILED: {
    'by an error': () =>
      failing(() => {
        throw new TypeError('the model said no');
      }),
    'by a string, at its second attempt': () => failing(() => Promise.reject('no'), { retry: { attempts: 2, baseMs: 0 } }),
    'by a condition that throws': () => failureOf(throwingCondition),
  },
  SF_STAGE_TIMEOUT: {
    'in time': () => failing(obedient, { timeoutMs: 50 }),
    'by code that held the thread': () => {
      const clock = virtualClock();
      const slow = stage('ask', { timeoutMs: 50, run: () => clock.block(80) });
      return failureOf(slow, { clock });
    },
  },
  SF_STAGE_IDLE: { 'without a heartbeat': () => failing(obedient, { idleMs: 50 }) },
  SF_STAGE_BUDGET: { 'within its only attempt': () => failing(obedient, { budgetMs: 50 }) },
  SF_OUTPUT_INVALID: {
    'by a schema that gives no reason': () => failureOf(stage('ask', { output: refusing(), run: () => 7 })),
    'with a path': () =>
      failureOf(
        stage('ask', { output: refusing({ message: 'expected a number', path: ['total'] }), run: () => ({ total: 'x', currency: 'EUR' }) }),
      ),
  },
  SF_ROUTE_INVALID: { 'a number': () => dataFailure({ kind: 'route', run: () => 7 }) },
  SF_WHEN_INVALID: { 'a promise': () => dataFailure({ when: (async () => true) as never, run: () => 7 }) },
  SF_GUARD_FAILED: {
    'by a throw': () =>
      guardError(() => {
        throw new Error('the filter is down');
      }),
    'by no verdict': () => guardError(() => true),
  },
  SF_MAP_INVALID: {
    'items that are none': () => failureOf(map('ask', stage('list', { run: () => 7 as unknown as number[] }), doubled)),
    'two of one key': () => failureOf(map('ask', numbers, doubled, { key: () => 'same' })),
  },
  SF_LOOP_EXHAUSTED: {
    'after one turn': () => failureOf(loop('ask', ok, doubled, { until: () => false, maxTurns: 1 })),
    'after three': () => failureOf(loop('ask', ok, doubled, { until: () => false, maxTurns: 3 })),
  },
  SF_GUARD_EXHAUSTED: {
    'by attempts': () => failureOf(drafted({ attempts: 3, stagnation: 9 })),
    'by stagnation': () => failureOf(drafted({ attempts: 3, stagnation: 1 })),
    'by time': () => failureOf(drafted({ attempts: 9, stagnation: 9, timeoutMs: 1 })),
  },
  SF_EXTENSION_INVALID: {
    'a missing one': () => causeOf(failing((context) => context.extension('tenant', refusing({ message: 'expected an object' })))),
  },
  SF_CONFIG_INVALID: {
    'a missing one': () => causeOf(failing((context) => context.config('model.name', refusing({ message: 'expected a string' })))),
  },
  SF_SCHEMA_ASYNC: { 'of an extension': () => causeOf(failing((context) => context.extension('tenant', late))) },
  SF_EVENT_INVALID: { 'a payload': () => causeOf(failing((context) => context.emit(priced, { total: 'x' } as never))) },

  SF_INTERCEPTOR_FAILED: {
    'before a stage': () =>
      failureOf(ok, { interceptors: [{ name: 'quota', stage: () => Promise.reject(new Error('the quota is spent')) }] }),
    'around a run': () =>
      failureOf(ok, {
        interceptors: [
          {
            name: 'quota',
            run: async (_, next) => {
              await next();
              throw new TypeError('no such tenant');
            },
          },
        ],
      }),
  },
  SF_INTERCEPTOR_INVALID: {
    'by a value of its own': () => failureOf(ok, { interceptors: [{ name: 'memo', attempt: (async () => 7) as never }] }),
    'by next() twice': () => failureOf(ok, { interceptors: [{ name: 'again', stage: (_, next) => next().then(() => next()) }] }),
  },
  SF_DEPTH_EXCEEDED: {
    'by a stage that calls another': () =>
      causeOf(causeOf(failing(({ call }) => call(stage('inner', { run: (_, { call }) => call(ok, {}) }), {}), {}, { maxCallDepth: 1 }))),
  },
  SF_CALL_INVALID: {
    'of a region': () => causeOf(failing(({ call }) => call(map('each', numbers, doubled) as never, {} as never))),
    'of one stage twice at once': () => {
      const slow = stage('slow', { run: async () => 1 });
      return causeOf(failing(({ call }) => Promise.all([call(slow, {}), call(slow, {})])));
    },
  },
  SF_NONDETERMINISTIC: {
    'with other values': () =>
      causeOf(
        failing(
          async ({ call, attempt }) => {
            await call(doubled(numbers as never) as Stage<number, never, never, { item: number }>, { item: attempt });
            throw new Error('once more');
          },
          { retry: { attempts: 2, baseMs: 0 } },
        ),
      ),
  },
  SF_STREAM_UNDECLARED: { 'by emitChunk()': () => causeOf(failing(({ emitChunk }) => emitChunk('Hel'))) },
  SF_STREAM_CLOSED: {
    'after the run': async () => {
      let kept: StageContext | undefined;
      const ask = stage('ask', {
        streams: true,
        run: (_, context) => {
          kept = context;
        },
      });
      await runOf(ask);
      return thrownBy(() => kept?.emitChunk('late'));
    },
  },
  SF_STREAM_PUT_TIMEOUT: { 'by a reader that hangs': () => failureOf(speaks(model3, { capacity: 1, putTimeoutMs: 50 })) },
  SF_STREAM_OVERFLOW: { 'by a reader that hangs': () => failureOf(speaks(model3, { capacity: 1, overflow: 'error' })) },
  SF_STREAM_BROKEN: {
    'by a failure': async () => {
      const run = await runOf(stage('ask', { needs: { tokens: streamed(breaking) }, run: ({ tokens }) => allOf(tokens) }), {
        failureMode: 'continue',
      });
      return causeOf(Promise.resolve(run.errors[1] as StageflowError));
    },
  },

  ...durabilityProvocations,
  ...stepProvocations,
  SF_RUN_SUSPENDED: { 'for whoever needs it completed': async () => thrownBy(async () => completedOrThrow(await suspendedRun())) },

  SF_RUN_DEADLINE: {
    'with a stage in flight': () => failureOf(stage('ask', { run: (_, context) => obedient(context) }), { deadlineMs: 50 }),
  },
  SF_RUN_BLOCKED: {
    'at runOrThrow()': () =>
      thrownBy(() =>
        pipeline('chat', { outputs: { it: guard('safe', { subject: ok, check: () => block('Prompt injection.') }) } }).runOrThrow(
          {},
          { runId: 'run-1' },
        ),
      ),
  },
  SF_RUN_CANCELLED: {
    'at runOrThrow()': () =>
      thrownBy(() =>
        pipeline('chat', { outputs: { it: stage('ask', { run: () => cancel('the caller hung up') }) } }).runOrThrow({}, { runId: 'run-1' }),
      ),
  },
  SF_RUN_ENDED: {
    'by defer()': async () => {
      let kept: StageContext | undefined;
      const ask = stage('ask', {
        run: (_, context) => {
          kept = context;
        },
      });
      await runOf(ask);
      return thrownBy(() => kept?.defer(() => {}));
    },
  },
  SF_CLEANUP_FAILED: {
    'by a throw': async () => {
      const ask = stage('ask', {
        run: (_, context) =>
          context.defer(() => {
            throw new Error('the socket is gone');
          }),
      });
      const [error] = (await runOf(ask)).cleanupErrors;
      return error ?? Promise.reject(new Error('No cleanup failed.'));
    },
  },
};

const model3 = stage('model', {
  streams: true,
  run: async function* () {
    for (const token of ['Hel', 'lo', '!']) yield token;
  },
});
const breaking = stage('model', {
  streams: true,
  run: async function* () {
    yield 'Hel';
    throw new Error('the line went dead');
  },
});

/** A reader that takes nothing and never ends. */
function speaks(producer: typeof model3, options: StreamedOptions = {}): Stage {
  return stage('ask', { needs: { tokens: streamed(producer, options) }, run: (_, context) => obedient(context) });
}

const { model } = services<{ model: { ask(): string } }>();
const readsModel: Pipeline<(typeof model)['~types']['in'], unknown> = pipeline('chat', {
  outputs: { it: stage('ask', { needs: { model, text: ok }, run: () => 1 }) },
});
const throwingCondition = stage('ask', {
  when: (): boolean => {
    throw new Error('no profile');
  },
  run: () => 1,
});

async function dataFailure(ask: Omit<PipelineSpecData['stages'][number], 'name'>): Promise<StageflowError> {
  const run = await definePipeline({ name: 'chat', stages: [{ ...ask, name: 'ask' }], outputs: { ask: 'ask' } }).run(
    {},
    { runId: 'run-1' },
  );
  return run.errors[0] ?? Promise.reject(new Error(`The run ended ${run.status}.`));
}

async function guardError(check: () => unknown): Promise<StageflowError> {
  const safe = guard('safe', { subject: text, check: check as never });
  const run = await pipeline('chat', { outputs: { safe } }).run({ text: 'hi' }, { runId: 'run-1' });
  const outcome = run.stages.get('safe')?.outcome;
  return outcome?.status === 'blocked' && outcome.error !== undefined
    ? outcome.error
    : Promise.reject(new Error(`The run ended ${run.status}.`));
}

const cases = Object.entries(provocations).flatMap(([code, ways]) =>
  Object.entries(ways).map(([way, provoke]) => ({ code: code as ErrorCode, way, provoke })),
);

describe('each error code', () => {
  test('is brought about through the public interface, in the words of the golden file', async () => {
    const sections: string[] = [];
    for (const { code, way, provoke } of cases) {
      const provoked = await provoke();
      expect(provoked.code, `${code}, ${way}`).toBe(code);
      sections.push(`${code}: ${way}\n${JSON.stringify(provoked, undefined, 2)}\n`);
    }
    await expect(sections.join('\n')).toMatchFileSnapshot('../test/golden/errors.txt');
  });

  test('has a way to bring it about', () => {
    expect(Object.keys(provocations)).toEqual(Object.keys(errorTable));
    expect(Object.values(provocations).every((ways) => Object.keys(ways).length > 0)).toBe(true);
  });

  test('has a message and a hint that are whole sentences', async () => {
    for (const { code, way, provoke } of cases) {
      const { message, hint } = await provoke();
      expect(message, `${code}, ${way}`).toMatch(/^(["A-Z]|\w+\(\)).*[.?]$/s);
      expect(hint, `${code}, ${way}`).toMatch(/^["A-Z].*[.?]$/s);
      expect(`${message} ${hint}`, `${code}, ${way}`).not.toMatch(/(?<!received )undefined|: \n|\[object|\.\.|\bNaN\b/);
    }
  });

  test('says whether it is worth another attempt as the table does', async () => {
    for (const { code, provoke } of cases) {
      const provoked = await provoke();
      if (provoked instanceof StageflowError) expect(provoked.retryable, code).toBe(errorTable[code].retryable);
    }
  });
});
