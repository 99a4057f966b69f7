import { inputs, pipeline, type RunEvent, skip, stage } from '@stageflow/core';
import { describe, expect, test } from 'vitest';
import { recordingSink } from './recording-sink.ts';
import { runStage } from './run-stage.ts';
import { virtualClock } from './virtual-clock.ts';
import './vitest.ts';

const { text } = inputs<{ text: string }>();
const first = stage('first', { needs: { text }, run: ({ text }) => (text === '' ? skip('nothing said') : text) });
const second = stage('second', {
  needs: { first },
  run: ({ first }) => {
    if (first === 'bad') throw new Error('broken');
    return first;
  },
});
const chain = pipeline('chain', { outputs: { second } });

async function recordedRun(text: string) {
  const sink = recordingSink();
  return { sink, run: await chain.run({ text }, { sinks: [sink], clock: virtualClock() }) };
}

/** The message of the assertion, without the colours of the runner. */
function failureOf(assertion: () => void): string {
  try {
    assertion();
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
  throw new Error('The assertion passed.');
}

describe('toHaveEmitted()', () => {
  test('finds an event by type and fields', async () => {
    const { sink } = await recordedRun('a');
    expect(sink).toHaveEmitted('run.completed');
    expect(sink.events).toHaveEmitted('stage.completed', { stage: 'second', durationMs: expect.any(Number) });
    expect(sink).not.toHaveEmitted('stage.failed');
    expect(sink).not.toHaveEmitted('stage.completed', { stage: 'third' });
    expect(await runStage(first, { text: 'a' })).toHaveEmitted('stage.completed', { stage: 'first' });
  });

  test('shows what came close, and the trace', async () => {
    const { sink } = await recordedRun('a');
    expect(failureOf(() => expect(sink).toHaveEmitted('stage.completed', { stage: 'third' }))).toMatchInlineSnapshot(`
      "Expected stage.completed {"stage": "third"} to have been emitted.

      Of that type, but different:
        stage.completed {"stage": "first"}
        stage.completed {"stage": "second"}

      run chain
            0 ms  created with 2 stages
            0 ms  started
            0 ms    first started
            0 ms    first completed in 0 ms
            0 ms    second started
            0 ms    second completed in 0 ms
            0 ms  completed in 0 ms: 2 completed"
    `);
    expect(failureOf(() => expect(sink).toHaveEmitted('stage.failed'))).toMatch(
      /^Expected stage.failed to have been emitted.\n\nrun chain\n/,
    );
    expect(failureOf(() => expect(sink).not.toHaveEmitted('run.started'))).toMatch(
      /^Expected run.started not to have been emitted.\n\nrun chain\n/,
    );
  });

  test('refuses what has no events', async () => {
    const { run } = await recordedRun('a');
    expect(failureOf(() => expect(run).toHaveEmitted('run.started'))).toBe(
      'toHaveEmitted() takes events, or what keeps them in "events", such as recordingSink().',
    );
    expect(failureOf(() => expect(null).not.toHaveEmitted('run.started'))).toContain('toHaveEmitted() takes events');
  });
});

describe('toHaveEmittedInOrder()', () => {
  test('finds events in order, with others between', async () => {
    const { sink } = await recordedRun('a');
    expect(sink).toHaveEmittedInOrder([
      'run.started',
      { type: 'stage.completed', stage: 'first' },
      { type: 'stage.started', stage: 'second' },
    ]);
    expect(sink).not.toHaveEmittedInOrder([
      { type: 'stage.started', stage: 'second' },
      { type: 'stage.completed', stage: 'first' },
    ]);
    // One event does not stand for two.
    expect(sink).not.toHaveEmittedInOrder(['run.started', 'run.started']);
  });

  test('shows how far it came', async () => {
    const { sink } = await recordedRun('a');
    const wanted = ['run.started', { type: 'stage.failed', stage: 'first' }, 'run.completed'] as const;
    const message = failureOf(() => expect(sink).toHaveEmittedInOrder(wanted));
    expect(message).toContain(
      '  found    run.started\n  missing  stage.failed {"stage": "first"}\n           run.completed\n\nrun chain\n',
    );
  });
});

describe('toHaveGapFreeSeq()', () => {
  test('holds for whole runs, also when several are mixed', async () => {
    const [one, two] = await Promise.all([recordedRun('a'), recordedRun('b')]);
    expect(one.sink).toHaveGapFreeSeq();
    const mixed = one.sink.events.flatMap((event, at) => [event, two.sink.events[at] as RunEvent]);
    expect(mixed).toHaveGapFreeSeq();
  });

  test('says where a number is missing, doubled or out of order, and fails without events', async () => {
    const { sink, run } = await recordedRun('a');
    const { events } = sink;
    const gap = failureOf(() => expect(events.filter(({ seq }) => seq !== 3)).toHaveGapFreeSeq());
    expect(gap).toContain(`run ${run.runId}, epoch 1: stage.completed has seq 4, expected 3`);
    for (const broken of [events.slice(1), events.toReversed(), [...events, ...events.slice(-1)], []])
      expect(broken).not.toHaveGapFreeSeq();
    expect(failureOf(() => expect([]).toHaveGapFreeSeq())).toContain('there are no events');
  });

  test('lets a late reader begin where it joined, and passes over notices of drops', async () => {
    const { sink } = await recordedRun('a');
    const [, , third, ...rest] = sink.events as [RunEvent, RunEvent, RunEvent, ...RunEvent[]];
    expect([{ ...third, type: 'run.snapshotted', statuses: {} }, ...rest]).toHaveGapFreeSeq();
    expect([{ ...third, type: 'events.dropped', sink: 's', count: 2 }, ...sink.events]).toHaveGapFreeSeq();
  });
});

describe('toHaveStatus() and toHaveCompleted()', () => {
  test('read the status of a run and of a stage', async () => {
    const completed = await recordedRun('a');
    const failed = await recordedRun('bad');
    expect(completed.run).toHaveCompleted();
    expect(failed.run).toHaveStatus('failed');
    expect(failed.run).not.toHaveCompleted();
    expect(await runStage(first, { text: '' })).toHaveStatus('skipped');
    expect({ status: 'skipped', reason: 'by hand' }).toHaveStatus('skipped');
  });

  test('show the trace when they fail', async () => {
    const { run } = await recordedRun('bad');
    expect(failureOf(() => expect(run).toHaveCompleted())).toMatchInlineSnapshot(`
      "Expected the status to be completed; it is failed.

      run chain
            0 ms    first completed in 0 ms
            0 ms    second failed in 0 ms: SF_STAGE_FAILED Stage "second" failed: broken.
            0 ms  failed in 0 ms: 1 completed, 1 failed; SF_STAGE_FAILED Stage "second" failed: broken."
    `);
    const outcome = await runStage(first, { text: '' });
    expect(failureOf(() => expect(outcome).toHaveCompleted())).toContain('first skipped: nothing said');
    expect(failureOf(() => expect({ status: 'skipped' }).toHaveCompleted())).toBe('Expected the status to be completed; it is skipped.');
    expect(failureOf(() => expect('completed').toHaveCompleted())).toContain('takes the result of a run or the outcome of a stage');
  });
});

describe('toHaveOutcome()', () => {
  test('reads how one stage ended', async () => {
    const { run } = await recordedRun('');
    expect(run).toHaveOutcome('first', 'skipped', { reason: 'nothing said' });
    expect(run).toHaveOutcome('second', 'skipped');
    expect(run).not.toHaveOutcome('second', 'completed');
    expect(run).not.toHaveOutcome('first', 'skipped', { reason: 'another' });
    expect((await recordedRun('a')).run).toHaveOutcome('second', 'completed', { output: 'a' });
  });

  test('says how it ended instead, and which stages there are', async () => {
    const { run } = await recordedRun('');
    expect(failureOf(() => expect(run).toHaveOutcome('first', 'completed', { output: 'a' }))).toMatchInlineSnapshot(`
      "Expected stage "first" to have ended as {"output": "a", "status": "completed"}; it ended as {"status": "skipped"}.

      run chain
            0 ms    first skipped in 0 ms: nothing said
               -    second skipped: "first" was skipped
            0 ms  completed in 0 ms: 2 skipped"
    `);
    const unknown = 'There is no stage "third" in pipeline "chain"; it has first, second.';
    expect(failureOf(() => expect(run).toHaveOutcome('third', 'completed'))).toBe(unknown);
    expect(failureOf(() => expect(run).not.toHaveOutcome('third', 'completed'))).toBe(unknown);
    expect(failureOf(() => expect([]).toHaveOutcome('first', 'completed'))).toBe('toHaveOutcome() takes the result of a run.');
  });
});
