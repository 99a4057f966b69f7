import { virtualClock } from '@stageflow/testing';
import { describe, expect, test } from 'vitest';
import { inputs } from '../inputs.ts';
import { pipeline } from '../pipeline.ts';
import type { Run } from '../run.ts';
import { type StagePolicy, stage } from '../stage.ts';

/** A stage without policies takes the short way, one with a policy the long way: both must agree. */
const ways: readonly (readonly [string, StagePolicy])[] = [
  ['without policies', {}],
  ['with a timeout', { timeoutMs: 1_000 }],
];

describe.each(ways)('a stage %s', (_, policy) => {
  const outcome = async (run: () => unknown): Promise<Run> => {
    const clock = virtualClock();
    return clock.settle(pipeline('p', { outputs: { it: stage('it', { ...policy, run }) } }).run({}, { clock }) as Promise<Run>);
  };

  test.each([[null], [undefined], [0], [''], [false]])('completes with %o, at once and later', async (value) => {
    expect(await outcome(() => value)).toMatchObject({ status: 'completed', outputs: { it: value } });
    expect(await outcome(async () => value)).toMatchObject({ status: 'completed', outputs: { it: value } });
  });

  test.each([[7], [null], [{ a: 1 }], [{ then: 'and' }]])(
    'that returns %o at once lets its reader start within the call of run()',
    async (value) => {
      let started = false;
      const it = stage('it', { ...policy, run: () => value });
      const reader = stage('reader', {
        needs: { it },
        run: () => {
          started = true;
        },
      });
      const running = pipeline('p', { outputs: { reader } }).run({}, { clock: virtualClock() });
      expect(started).toBe(true);
      expect((await running).status).toBe('completed');
    },
  );

  test('that returns a plain object has it frozen in development', async () => {
    const value = { list: [1] };
    await outcome(() => value);
    expect([Object.isFrozen(value), Object.isFrozen(value.list)]).toEqual([true, true]);
  });

  test('cannot, in development, write to the record of values it is given', async () => {
    const { text } = inputs<{ text: string }>();
    const wrote: boolean[] = [];
    const it = stage('it', { ...policy, needs: { text }, run: (values) => void wrote.push(Reflect.set(values, 'text', 'changed')) });
    const clock = virtualClock();
    await clock.settle(pipeline('p', { outputs: { it } }).run({ text: 'hi' }, { clock }));
    expect(wrote).toEqual([false]);
  });
});
