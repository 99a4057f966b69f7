import { inputs, pipeline, type Schema, stage } from '@stageflow/core';
import { describe, expect, test } from 'vitest';
import { type Fault, injectFaults } from './inject-faults.ts';
import { scripted } from './scripted.ts';
import { virtualClock } from './virtual-clock.ts';

const { text } = inputs<{ text: string }>();
const aText: Schema<unknown, string> = {
  '~standard': {
    version: 1,
    vendor: 'test',
    validate: (value) => (typeof value === 'string' ? { value } : { issues: [{ message: 'no text' }] }),
  },
};
const fetched = stage('fetched', {
  needs: { text },
  timeoutMs: 100,
  graceMs: 10,
  output: aText,
  retry: { attempts: 3, baseMs: 50, jitter: 'none', backoff: 'constant' },
  run: async ({ text }) => `got ${text}`,
});
const shouted = stage('shouted', { needs: { fetched }, run: ({ fetched }) => fetched.toUpperCase() });
const shout = pipeline('shout', { outputs: { shouted } });
const elsewhere = stage('elsewhere', { run: () => 1 });

describe('injectFaults()', () => {
  test('throws on the calls it is told and counts them', async () => {
    const clock = virtualClock();
    const faults = injectFaults(shout, { faults: [{ stage: fetched, kind: 'throw', calls: [1, 2] }] });
    const run = await clock.settle(faults.pipeline.run({ text: 'a' }, { clock, runId: 'r' }));
    expect(run).toMatchObject({ status: 'completed', outputs: { shouted: 'GOT A' }, elapsedMs: 100 });
    expect(faults.fired).toEqual([
      { stage: 'fetched', kind: 'throw', call: 1, attempt: 1, runId: 'r' },
      { stage: 'fetched', kind: 'throw', call: 2, attempt: 2, runId: 'r' },
    ]);
    expect([faults.count(), faults.count({ kind: 'throw' }), faults.count({ stage: fetched })]).toEqual([2, 2, 2]);
    expect([faults.count({ kind: 'delay' }), faults.count({ stage: shouted })]).toEqual([0, 0]);
    faults.assertFired();
  });

  test('throws the error it is given, undefined too', async () => {
    const error = Object.assign(new Error('gone'), { status: 404 });
    const faults = injectFaults(shout, { faults: [{ stage: fetched, kind: 'throw', error }] });
    expect(await faults.pipeline.run({ text: 'a' })).toMatchObject({ status: 'failed', error: { cause: error } });
    const bare = injectFaults(shout, { faults: [{ stage: shouted, kind: 'throw', error: undefined }] });
    expect(await bare.pipeline.run({ text: 'a' })).toMatchObject({ status: 'failed', error: { cause: undefined } });
    const named = injectFaults(shout, { faults: [{ stage: shouted, kind: 'throw' }] });
    expect(await named.pipeline.run({ text: 'a' })).toMatchObject({ error: { cause: { message: 'injected fault at "shouted", call 1' } } });
    for (const each of [faults, bare, named]) each.assertFired();
  });

  test('delays a call on the virtual clock, past its timeout', async () => {
    const clock = virtualClock();
    const delayed = injectFaults(shout, { clock, faults: [{ stage: fetched, kind: 'delay', ms: 99, calls: [1] }] });
    expect(await clock.settle(delayed.pipeline.run({ text: 'a' }, { clock }))).toMatchObject({ status: 'completed', elapsedMs: 99 });
    delayed.assertFired();
    const late = injectFaults(shout, { clock, faults: [{ stage: fetched, kind: 'delay', ms: 101, calls: [1] }] });
    expect(await clock.settle(late.pipeline.run({ text: 'a' }, { clock }))).toMatchObject({ status: 'completed', elapsedMs: 100 + 50 });
    late.assertFired();
  });

  test('hangs a call until it is aborted, or past that', async () => {
    const clock = virtualClock();
    const hung = injectFaults(shout, { faults: [{ stage: fetched, kind: 'hang', calls: [1] }] });
    expect(await clock.settle(hung.pipeline.run({ text: 'a' }, { clock }))).toMatchObject({ status: 'completed', elapsedMs: 150 });
    hung.assertFired();
    const deaf = injectFaults(shout, { faults: [{ stage: fetched, kind: 'hang', ignoresSignal: true, calls: [1] }] });
    expect(await clock.settle(deaf.pipeline.run({ text: 'a' }, { clock }))).toMatchObject({ status: 'completed', elapsedMs: 160 });
    deaf.assertFired();
  });

  test('corrupts what a stage yields, so that its contract can notice', async () => {
    const faults = injectFaults(shout, {
      faults: [
        { stage: fetched, kind: 'corrupt', corrupt: (output) => [output] },
        { stage: shouted, kind: 'corrupt', corrupt: String },
      ],
    });
    expect(await faults.pipeline.run({ text: 'a' })).toMatchObject({ status: 'failed', error: { code: 'SF_OUTPUT_INVALID' } });
    expect(() => faults.assertFired()).toThrow('corrupt at "shouted" did not strike; its function was called 0 times.');
    const sync = injectFaults(shout, { faults: [{ stage: shouted, kind: 'corrupt', corrupt: (output) => `${output}!` }] });
    expect(await sync.pipeline.run({ text: 'a' })).toMatchObject({ outputs: { shouted: 'GOT A!' } });
    sync.assertFired();
  });

  test('strikes by chance as its seed says, each rule by its own', async () => {
    const struck = async (seed: number, more: readonly Fault[] = []): Promise<number[]> => {
      const faults = injectFaults(shout, { seed, faults: [{ stage: shouted, kind: 'throw', probability: 0.3 }, ...more] });
      for (let run = 0; run < 200; run++) await faults.pipeline.run({ text: 'a' });
      faults.assertFired();
      return faults.fired.flatMap(({ stage, call }) => (stage === 'shouted' ? [call] : []));
    };
    const calls = await struck(1);
    expect(calls.length).toBeGreaterThan(40);
    expect(calls.length).toBeLessThan(80);
    expect(await struck(1)).toEqual(calls);
    expect(await struck(2)).not.toEqual(calls);
    expect(await struck(1, [{ stage: fetched, kind: 'corrupt', probability: 0.5, corrupt: (output) => output }])).toEqual(calls);
  });

  test('lets the first of several rules strike a call', async () => {
    const clock = virtualClock();
    const faults = injectFaults(shout, {
      clock,
      faults: [
        { stage: fetched, kind: 'throw', calls: [1] },
        { stage: fetched, kind: 'delay', ms: 10, calls: [1, 2] },
      ],
    });
    await clock.settle(faults.pipeline.run({ text: 'a' }, { clock }));
    expect(faults.fired.map(({ kind, call }) => `${kind} ${call}`)).toEqual(['throw 1', 'delay 2']);
    expect(() => faults.assertFired()).toThrow('delay at "fetched" did not strike on call 1; its function was called 2 times.');
  });

  test('wraps what the pipeline has there, a script included', async () => {
    const script = scripted(fetched, [{ returns: 'scripted' }]);
    const faults = injectFaults(shout.with(fetched, script), { faults: [{ stage: fetched, kind: 'throw', calls: [1] }] });
    const clock = virtualClock();
    expect(await clock.settle(faults.pipeline.run({ text: 'a' }, { clock }))).toMatchObject({ outputs: { shouted: 'SCRIPTED' } });
    faults.assertFired();
    script.assertUsedUp();
  });

  test('says which fault never struck, and stays silent once it has', async () => {
    const faults = injectFaults(shout, { faults: [{ stage: fetched, kind: 'throw', calls: [2] }] });
    await faults.pipeline.run({ text: 'a' });
    expect(() => faults.assertFired()).toThrow(
      'Faults did not strike as planned:\n- throw at "fetched" did not strike on call 2; its function was called once.',
    );
    await faults.pipeline.run({ text: 'a' });
    faults.assertFired();
  });

  test('refuses rules that cannot work', () => {
    const inject = (fault: Partial<Fault>): unknown => injectFaults(shout, { faults: [{ stage: fetched, ...fault } as Fault] });
    expect(() => inject({ kind: 'delay', ms: 5 })).toThrow('The fault delay at "fetched" needs a clock');
    expect(() => inject({ kind: 'throw', probability: 1.1 })).toThrow('has "probability": 1.1; expected 0 to 1.');
    expect(() => inject({ kind: 'throw', calls: [0] })).toThrow('has "calls": [0]; calls are counted from 1.');
    expect(() => inject({ kind: 'throw', stage: elsewhere })).toThrow(
      'stage "elsewhere", which pipeline "shout" does not have; it has fetched, shouted.',
    );
    expect(() => inject({ kind: 'throw' })).not.toThrow();
  });
});
