import { recordingSink } from '@stageflow/testing';
import { describe, expect, test, vi } from 'vitest';
import { branch } from '../branch.ts';
import { skip } from '../control.ts';
import type { StageflowError } from '../errors.ts';
import { block, guard, pass } from '../guard.ts';
import { guarded } from '../guarded.ts';
import { inputs } from '../inputs.ts';
import { cached, type InterceptedStage, type Interceptor } from '../interceptor.ts';
import { map } from '../map.ts';
import type { StageOutcome } from '../outcome.ts';
import { pipeline } from '../pipeline.ts';
import { route } from '../route.ts';
import type { Run } from '../run.ts';
import type { Schema } from '../schema.ts';
import { type Stage, stage } from '../stage.ts';
import { subpipeline } from '../subpipeline.ts';

type Around = (stage: InterceptedStage, next: () => Promise<StageOutcome>) => Promise<unknown>;
type Position = 'stage' | 'attempt';

/** A contract that changes what it accepts. */
const number: Schema<unknown, number> = {
  '~standard': {
    version: 1,
    vendor: 'test',
    validate: (value) => (typeof value === 'number' ? { value: value + 100 } : { issues: [{ message: 'expected a number' }] }),
  },
};

function at(position: Position, around: Around, only?: Interceptor['only']): Interceptor {
  return { name: 'it', only, [position]: around };
}

async function run(one: Stage, interceptors: readonly Interceptor[]) {
  const sink = recordingSink();
  const ended = (await pipeline('p', { outputs: { one } }).run({} as never, { sinks: [sink], interceptors } as never)) as Run;
  return { ended, sink, errors: ended.errors.map(({ code }) => code) };
}

const constant = (run: () => unknown = () => 1) => stage('one', { run });

describe('cached()', () => {
  const answer =
    (value: unknown): Around =>
    async () =>
      cached(value);

  test.each<Position>(['stage', 'attempt'])(
    'at the %s position passes the contract again, and is flagged in report and event',
    async (position) => {
      const called = vi.fn(() => 1);
      const { ended, sink } = await run(stage('one', { output: number, run: called }), [at(position, answer(5))]);
      expect([ended.outputs, ended.stages.get('one')?.cached, called.mock.calls.length]).toEqual([{ one: 105 }, true, 0]);
      expect(sink.last('stage.completed')).toMatchObject({ cached: true });
      const plain = await run(stage('one', { output: number, run: called }), []);
      expect([plain.ended.outputs, plain.ended.stages.get('one')?.cached, plain.sink.last('stage.completed')?.cached]).toEqual([
        { one: 101 },
        false,
        undefined,
      ]);
    },
  );

  test('counts no call of the function where the stage did not begin', async () => {
    expect((await run(constant(), [at('stage', answer(5))])).ended.stages.get('one')?.attempts).toBe(0);
  });

  test.each<Position>(['stage', 'attempt'])('at the %s position that breaks the contract fails the stage', async (position) => {
    const { ended, errors } = await run(stage('one', { output: number, run: () => 1 }), [at(position, answer('x'))]);
    expect([ended.status, errors, ended.stages.get('one')?.cached]).toEqual(['failed', ['SF_OUTPUT_INVALID'], false]);
  });

  test('passes a contract that answers with a promise', async () => {
    const slow: Schema<unknown, string> = {
      '~standard': { version: 1, vendor: 'test', validate: async (value) => ({ value: `${value}!` }) },
    };
    expect((await run(stage('one', { output: slow, run: () => 'a' }), [at('stage', answer('b'))])).ended.outputs).toEqual({ one: 'b!' });
  });

  test.each<Position>(['stage', 'attempt'])('at the %s position cannot stand for a verdict', async (position) => {
    const { text } = inputs<{ text: string }>();
    const check = vi.fn(() => pass());
    const safe = guard('safe', { subject: text, check });
    const ended = await pipeline('p', { outputs: { safe } }).run({ text: 'hi' }, { interceptors: [at(position, answer('hi'))] });
    expect([ended.status, check.mock.calls.length]).toEqual([position === 'stage' ? 'failed' : 'blocked', 0]);
    expect(ended.errors.flatMap((error) => [error.code, (error.cause as StageflowError | undefined)?.code])).toContain(
      'SF_INTERCEPTOR_INVALID',
    );
  });

  test('cannot stand for a guarded draft, nor answer a block', async () => {
    const { text } = inputs<{ text: string }>();
    const strict = (name: string, subject: Stage<string> | typeof text) => guard(name, { subject, check: () => block('no') });
    const draft = guarded('one', (feedback) =>
      strict('inner', stage('draft', { needs: { feedback, text }, run: ({ text }) => text }) as Stage<string>),
    );
    const nested = subpipeline('one', pipeline('nested', { outputs: { it: strict('inner', text) } }), { text });
    const stale: Around = async (_, next) => {
      await next();
      return cached('stale');
    };
    for (const [one, around] of [[draft, answer('x')] as const, [nested, stale] as const]) {
      const interceptors = [at('stage', around, { stages: ['one'] })];
      const ended = await pipeline('p', { outputs: { one } }).run({ text: 'hi' } as never, { interceptors } as never);
      expect([ended.status, ended.errors.map(({ code }) => code)]).toEqual(['failed', ['SF_INTERCEPTOR_INVALID']]);
    }
  });

  test('may answer a failure, so that an old value can stand in for a new one', async () => {
    const stale: Around = async (_, next) => ((await next()).status === 'failed' ? cached('old') : undefined);
    const { ended } = await run(
      constant(() => Promise.reject(new Error('down'))),
      [at('stage', stale)],
    );
    expect([ended.status, ended.outputs, ended.stages.get('one')?.cached]).toEqual(['completed', { one: 'old' }, true]);
  });

  test('may answer the failure of a region: the run goes on', async () => {
    const items = stage('items', { run: () => [1, 2] });
    const each = map('one', items, (item) => stage('inner', { needs: { item }, run: () => Promise.reject(new Error('down')) }));
    const stale: Around = async (_, next) => ((await next()).status === 'failed' ? cached(['old']) : undefined);
    const { ended } = await run(each, [at('stage', stale, { kinds: ['map'] })]);
    expect([ended.status, ended.outputs]).toEqual(['completed', { one: ['old'] }]);
  });

  test('of a route is the way it goes, and must be a text', async () => {
    const way = route('way', { run: () => 'a' as 'a' | 'b' });
    const arms = { a: stage('a', { run: () => 1 }), b: stage('b', { run: () => 2 }) };
    const one = branch('one', way, arms);
    expect((await run(one, [at('stage', answer('b'), { kinds: ['route'] })])).ended.outputs).toEqual({ one: 2 });
    const wrong = await run(one, [at('stage', answer(7), { kinds: ['route'] })]);
    expect([wrong.ended.status, wrong.errors]).toEqual(['failed', ['SF_ROUTE_INVALID']]);
  });

  test('takes no control value: a skip is not in its gift', async () => {
    const { errors } = await run(constant(), [at('stage', answer(skip('no')))]);
    expect(errors).toEqual(['SF_INTERCEPTOR_INVALID']);
  });

  test('means that nothing of it was given where nothing is: another copy of the package is believed', async () => {
    const copied = Object.assign(Object.create(null), { [Symbol.for('stageflow.cached')]: true, value: 9 });
    expect((await run(constant(), [at('stage', async () => copied)])).ended.outputs).toEqual({ one: 9 });
  });
});
