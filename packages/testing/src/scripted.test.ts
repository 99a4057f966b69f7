import { block, guard, inputs, pass, pipeline, skip, stage } from '@stageflow/core';
import { describe, expect, test } from 'vitest';
import { recordingSink } from './recording-sink.ts';
import { type Script, scripted } from './scripted.ts';
import { virtualClock } from './virtual-clock.ts';

const { text } = inputs<{ text: string }>();
const answer = stage('answer', { needs: { text }, run: ({ text }): string => `real ${text}` });
const loose = stage('loose', { needs: { text }, run: ({ text }) => (text === '' ? skip('empty') : text) });
const chat = pipeline('chat', { outputs: { answer } });
const patient = chat.configure({ answer: { retry: { attempts: 3, baseMs: 100, jitter: 'none', backoff: 'constant' } } });

describe('scripted()', () => {
  test('does one step per call and keeps what it received', async () => {
    const clock = virtualClock();
    const script = scripted(answer, [{ throws: new Error('503') }, { throws: new Error('504') }, { returns: 'third' }]);
    const run = await clock.settle(patient.with(answer, script).run({ text: 'hi' }, { clock, runId: 'r' }));
    expect(run).toMatchObject({ status: 'completed', outputs: { answer: 'third' }, elapsedMs: 200 });
    expect(script.calls).toMatchObject([1, 2, 3].map((attempt) => ({ values: { text: 'hi' }, attempt, runId: 'r', aborted: false })));
    expect(script.left).toBe(0);
    script.assertUsedUp();
  });

  test('takes its time on the virtual clock, and obeys its signal meanwhile', async () => {
    const clock = virtualClock();
    const sink = recordingSink();
    const script = scripted(
      answer,
      [
        { returns: 'late', afterMs: 500 },
        { returns: 'in time', afterMs: 40 },
      ],
      { clock },
    );
    const run = await clock.settle(
      patient
        .with(answer, script)
        .configure({ answer: { timeoutMs: 50 } })
        .run({ text: 'hi' }, { clock, sinks: [sink] }),
    );
    expect(run).toMatchObject({ status: 'completed', outputs: { answer: 'in time' }, elapsedMs: 50 + 100 + 40 });
    expect(script.calls.map(({ aborted }) => aborted)).toEqual([true, false]);
    expect(sink.of('attempt.abandoned')).toEqual([]);
  });

  test('ignores its signal where it is told to, and arrives late', async () => {
    const clock = virtualClock();
    const sink = recordingSink();
    const steps = [
      { returns: 'late', afterMs: 500, ignoresSignal: true },
      { returns: 'in time', afterMs: 450 },
    ] as const;
    const script = scripted(answer, steps, { clock });
    const run = await clock.settle(
      patient
        .with(answer, script)
        .configure({ answer: { timeoutMs: 480, graceMs: 10 } })
        .run({ text: 'hi' }, { clock, sinks: [sink] }),
    );
    expect(run).toMatchObject({ status: 'completed', outputs: { answer: 'in time' } });
    expect(sink.of('attempt.abandoned')).toHaveLength(1);
    expect(sink.of('attempt.arrived_late')).toMatchObject([{ attempt: 1, settledAs: 'resolved' }]);
  });

  test('hangs until it is aborted, or for ever', async () => {
    const clock = virtualClock();
    const timed = chat.configure({ answer: { timeoutMs: 100, graceMs: 30 } });
    const obedient = await clock.settle(timed.with(answer, scripted(answer, [{ hangs: 'until aborted' }])).run({ text: '' }, { clock }));
    expect(obedient).toMatchObject({ status: 'failed', error: { code: 'SF_STAGE_TIMEOUT' }, elapsedMs: 100, unsettled: [] });
    const deaf = await clock.settle(timed.with(answer, scripted(answer, [{ hangs: 'forever' }])).run({ text: '' }, { clock }));
    expect(deaf).toMatchObject({ status: 'failed', error: { code: 'SF_STAGE_TIMEOUT' }, elapsedMs: 130, unsettled: ['answer'] });
  });

  test('hangs no longer than at once where its signal has aborted before', async () => {
    const controller = new AbortController();
    controller.abort('before');
    const script = scripted(answer, [{ hangs: 'until aborted' }]);
    const context = { attempt: 1, runId: 'r', signal: controller.signal } as never;
    await expect(script({ text: '' }, context)).rejects.toBe('before');
  });

  test('returns control values and verdicts, and runs functions', async () => {
    const judged = guard('judged', { subject: loose, check: () => pass() });
    const judge = pipeline('judge', { outputs: { judged } });
    const script = scripted(loose, [{ returns: skip('not today') }, { runs: async ({ text }) => text.toUpperCase(), times: 2 }]);
    const verdicts = scripted(judged, [{ returns: pass() }, { returns: block('no') }]);
    const asked = judge.with(loose, script).with(judged, verdicts);
    const skipped = await asked.run({ text: 'a' });
    expect(skipped.stages.get('loose')?.outcome).toEqual({ status: 'skipped', reason: 'not today' });
    expect(await asked.run({ text: 'a' })).toMatchObject({ status: 'completed', outputs: { judged: 'A' } });
    expect(await asked.run({ text: 'a' })).toMatchObject({ status: 'blocked', reason: 'no' });
    script.assertUsedUp();
    verdicts.assertUsedUp();
  });

  test('fails a call beyond the script, without a retry, and says so again when it is verified', async () => {
    const script = scripted(answer, [{ returns: 'once' }]);
    const scriptedChat = patient.with(answer, script);
    expect((await scriptedChat.run({ text: 'a' })).status).toBe('completed');
    script.assertUsedUp();
    const run = await scriptedChat.run({ text: 'b' });
    expect(run).toMatchObject({ status: 'failed', error: { cause: { message: 'the script of "answer" has 1 call, and this is call 2' } } });
    expect(script.calls).toHaveLength(2);
    expect(() => script.assertUsedUp()).toThrow('The script of "answer" has 1 call, and it was called 2 times.');
  });

  test('says which step was not used', async () => {
    const script = scripted(answer, [{ returns: 'a', times: 2 }, { throws: new Error('no') }]);
    const run = (): Promise<unknown> => chat.with(answer, script).run({ text: '' });
    expect(script.left).toBe(3);
    expect(() => script.assertUsedUp()).toThrow('Step 1 of the script of "answer" (returns) was not used; calls: 0.');
    await run();
    expect(() => script.assertUsedUp()).toThrow('Step 1 of the script of "answer" (returns) was used 1 of 2 times; calls: 1.');
    await run();
    expect(() => script.assertUsedUp()).toThrow('Step 2 of the script of "answer" (throws) was not used; calls: 2.');
    await run();
    script.assertUsedUp();
  });

  test('repeats an endless step, which counts as used after one call', async () => {
    const script = scripted(answer, [{ returns: 'always', times: Number.POSITIVE_INFINITY }]);
    expect(() => script.assertUsedUp()).toThrow('was not used');
    for (let run = 0; run < 5; run++) await chat.with(answer, script).run({ text: '' });
    expect(script.calls).toHaveLength(5);
    expect(script.left).toBe(Number.POSITIVE_INFINITY);
    script.assertUsedUp();
  });

  test('refuses steps that cannot work', () => {
    const make = (step: object): Script<typeof answer> => scripted(answer, [step as { returns: string }]);
    expect(() => make({ returns: 'a', afterMs: 5 })).toThrow('Step 1 of the script of "answer" takes 5 ms, and the script has no clock');
    for (const times of [0, 1.5, -1, Number.NaN]) expect(() => make({ returns: 'a', times })).toThrow(RangeError);
    expect(make({ returns: 'a', times: 1 }).name).toBe('scripted answer');
  });
});
