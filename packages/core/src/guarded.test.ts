import {
  block,
  cancel,
  type Feedback,
  type Guard,
  type GuardedOptions,
  guard,
  guarded,
  pass,
  pipeline,
  type Source,
  settled,
  skip,
  stage,
  topicOf,
  transform,
} from '@stageflow/core';
import { describe, expect, test } from 'vitest';
import { timedStages } from '../test/timed-stages.ts';

/** A region whose draft is the next of `drafts`, judged by whether it is "good"; with everything its producer was told. */
function drafting(drafts: readonly unknown[], options?: GuardedOptions) {
  const heard: (Feedback | undefined)[] = [];
  const region = guarded(
    'reply',
    (feedback) => {
      const draft = stage('draft', {
        needs: { feedback },
        run: ({ feedback }) => {
          heard.push(feedback);
          return drafts[Math.min(heard.length, drafts.length) - 1];
        },
      });
      return guard('good', { subject: draft, check: ({ subject }) => (subject === 'good' ? pass() : block(`"${subject}" is not good`)) });
    },
    options,
  );
  return { region, heard, made: pipeline('p', { outputs: { region } }) };
}

describe('guarded()', () => {
  test('yields what passes at once, and tells of no rejection', async () => {
    const { see } = timedStages();
    const { made, heard } = drafting(['good']);
    const { run, events } = await see(made);
    expect(run).toMatchObject({ status: 'completed', outputs: { region: 'good' } });
    expect(heard).toEqual([undefined]);
    expect(events.filter(({ type }) => type.startsWith('guarded.'))).toEqual([]);
  });

  test('yields what its guard makes of the draft', async () => {
    const region = guarded('reply', (feedback) => {
      const draft = stage('draft', { needs: { feedback }, run: () => 'good' });
      return guard('loud', { subject: draft, check: ({ subject }) => transform(subject.toUpperCase()) });
    });
    expect((await pipeline('p', { outputs: { region } }).run({})).outputs).toEqual({ region: 'GOOD' });
  });

  test('makes the draft again with what the guard said of the last one', async () => {
    const { see } = timedStages();
    const { made, heard } = drafting(['bad', 'better', 'good'], { attempts: 3 });
    const { run, ends } = await see(made);
    expect(run).toMatchObject({ status: 'completed', outputs: { region: 'good' } });
    expect(heard).toEqual([
      undefined,
      { attempt: 1, reason: '"bad" is not good', value: 'bad' },
      { attempt: 2, reason: '"better" is not good', value: 'better' },
    ]);
    expect(ends).toEqual({
      reply: 'completed',
      'reply[1]/draft': 'completed',
      'reply[1]/good': 'blocked',
      'reply[2]/draft': 'completed',
      'reply[2]/good': 'blocked',
      'reply[3]/draft': 'completed',
      'reply[3]/good': 'completed',
    });
  });

  test('makes everything between draft and guard again, and what is hoisted once', async () => {
    const { takes, see } = timedStages();
    const calls = { between: 0, policy: 0 };
    const policy = stage('policy', { needs: { slow: takes('slow', 50) }, run: () => ++calls.policy });
    const region = guarded('reply', (feedback) => {
      const draft = stage('draft', { needs: { feedback }, run: ({ feedback }) => (feedback === undefined ? 'bad' : 'good') });
      const between = stage('between', {
        needs: { draft },
        run: ({ draft }) => {
          calls.between++;
          return draft;
        },
      });
      return guard('good', { subject: between, needs: { policy }, check: ({ subject }) => (subject === 'good' ? pass() : block('no')) });
    });
    const { run, starts } = await see(pipeline('p', { outputs: { region } }));
    expect(run.outputs).toEqual({ region: 'good' });
    expect(calls).toEqual({ between: 2, policy: 1 });
    expect(starts).toMatchObject({ 'reply[1]/draft': 0, 'reply[1]/between': 0, slow: 0, 'reply[1]/good': 50, 'reply[2]/draft': 50 });
  });

  test('tells of rejected, retried and recovered drafts, in the words of the earlier systems where asked', async () => {
    const { see } = timedStages();
    const { events } = await see(drafting(['bad', 'good']).made);
    const told = events.filter(({ type }) => type.startsWith('guarded.'));
    expect(told).toMatchObject([
      { type: 'guarded.rejected', stage: 'reply', path: 'reply', attempt: 1, reason: '"bad" is not good' },
      { type: 'guarded.retried', stage: 'reply', path: 'reply', attempt: 1, reason: '"bad" is not good' },
      { type: 'guarded.recovered', stage: 'reply', path: 'reply', attempt: 2 },
    ]);
    expect(told.map(topicOf)).toEqual(['guard_retry.attempt', 'guard_retry.scheduled', 'guard_retry.recovered']);
  });
});

test('the draft in the feedback is the subject of the guard, whatever else that reads', async () => {
  const heard: unknown[] = [];
  const hint = stage('hint', { run: () => skip('none') as unknown as string });
  const region = guarded('reply', (feedback) => {
    const draft = stage('draft', { needs: { feedback }, run: ({ feedback }) => heard.push(feedback) });
    return guard('good', {
      subject: draft,
      needs: { hint: settled(hint) },
      check: ({ subject }) => (subject === 2 ? pass() : block('no')),
    });
  });
  expect((await pipeline('p', { outputs: { region } }).run({})).outputs).toEqual({ region: 2 });
  expect(heard).toEqual([undefined, { attempt: 1, reason: 'no', value: 1 }]);
});

test('another guard before the last may send the draft back too; there is no draft to show then', async () => {
  const heard: unknown[] = [];
  const region = guarded('reply', (feedback) => {
    const draft = stage('draft', { needs: { feedback }, run: ({ feedback }) => heard.push(feedback) });
    const first = guard('first', { subject: draft, check: ({ subject }) => (subject === 2 ? pass() : block('too soon')) });
    return guard('second', { subject: first, check: () => pass() });
  });
  const made = pipeline('p', { outputs: { region } });
  expect((await made.run({})).outputs).toEqual({ region: 2 });
  expect(heard).toEqual([undefined, { attempt: 1, reason: 'too soon', value: undefined }]);
});

test('a stage that stands in for the guard lets everything pass, and what is blocked before it has no draft to show', async () => {
  let first: Guard | undefined;
  let last: Guard | undefined;
  const region = guarded('reply', (feedback) => {
    const draft = stage('draft', { needs: { feedback }, run: ({ feedback }) => (feedback === undefined ? 'bad' : 'good') });
    const strict = guard('first', { subject: draft, check: ({ subject }) => (subject === 'good' ? pass() : block('bad')) });
    first = strict;
    const end = guard('last', { subject: strict, check: () => block('never') });
    last = end;
    return end;
  });
  const made = pipeline('p', { outputs: { region } });
  const standIn = stage('open', { needs: { it: first as Guard }, run: () => 'open' });
  const run = await made.with(last as Guard, standIn as never).run({});
  expect(run).toMatchObject({ status: 'completed', outputs: { region: 'open' } });
});

describe('a guarded draft whose budget is spent', () => {
  test('after two attempts unless told otherwise fails with the last reason and the last draft', async () => {
    const { see } = timedStages();
    const { made, heard } = drafting(['bad', 'worse', 'good']);
    const { run, events } = await see(made);
    expect(run).toMatchObject({
      status: 'failed',
      error: {
        code: 'SF_GUARD_EXHAUSTED',
        path: 'reply',
        details: { stage: 'reply', attempts: 2, spent: 'attempts', reason: '"worse" is not good', lastValue: 'worse' },
      },
    });
    expect(heard).toHaveLength(2);
    const told = events.filter(({ type }) => type.startsWith('guarded.'));
    expect(told).toMatchObject([
      { type: 'guarded.rejected' },
      { type: 'guarded.retried' },
      { type: 'guarded.rejected' },
      { type: 'guarded.exhausted', spent: 'attempts', attempt: 2 },
    ]);
    expect(told.map(topicOf).at(-1)).toBe('guard_retry.exhausted');
    expect(run.errors.map(({ code }) => code)).toEqual(['SF_GUARD_EXHAUSTED']);
  });

  test('with one attempt makes no other', async () => {
    const { made, heard } = drafting(['bad', 'good'], { attempts: 1 });
    expect(await made.run({})).toMatchObject({ status: 'failed', error: { details: { attempts: 1 } } });
    expect(heard).toHaveLength(1);
  });

  test('by equal drafts in a row gives up though attempts remain', async () => {
    const { made, heard } = drafting(['bad', 'bad', 'bad', 'good'], { attempts: 9 });
    expect(await made.run({})).toMatchObject({ status: 'failed', error: { details: { attempts: 3, spent: 'stagnation' } } });
    expect(heard).toHaveLength(3);
    const impatient = drafting(['bad', 'bad', 'good'], { attempts: 9, stagnation: 1 });
    expect(await impatient.made.run({})).toMatchObject({ status: 'failed', error: { details: { attempts: 2, spent: 'stagnation' } } });
  });

  test('counts only drafts that are equal in a row, and none that cannot be compared', async () => {
    const changing = drafting(['bad', 'bad', 'worse', 'bad', 'bad', 'good'], { attempts: 9 });
    expect(await changing.made.run({})).toMatchObject({ status: 'completed' });
    const circular: { self?: unknown } = {};
    circular.self = circular;
    const incomparable = drafting([circular, circular, circular, circular, 'good'], { attempts: 9, stagnation: 1 });
    expect(await incomparable.made.run({})).toMatchObject({ status: 'completed' });
  });

  test('by time makes no further draft, counted from the first rejection', async () => {
    const { clock, see } = timedStages();
    const region = guarded(
      'reply',
      (feedback) => {
        const draft = stage('draft', {
          needs: { feedback },
          run: ({ feedback }, { signal }) => clock.sleep(40, signal).then(() => feedback?.attempt ?? 0),
        });
        return guard('never', { subject: draft, check: () => block('no') });
      },
      { attempts: 9, timeoutMs: 70 },
    );
    const { run, events } = await see(pipeline('p', { outputs: { region } }));
    expect(run).toMatchObject({ status: 'failed', elapsedMs: 120, error: { details: { attempts: 3, spent: 'timeout' } } });
    expect(events).toContainEqual(expect.objectContaining({ type: 'guarded.exhausted', spent: 'timeout', attempt: 3 }));
  });

  test('is checked when the pipeline is made', () => {
    const made = (options: object) => () => drafting(['good'], options).made;
    expect(made({ attempts: 1, stagnation: 1, timeoutMs: 1 })).not.toThrow();
    expect(made({ attempts: 0 })).toThrow(/"attempts"/);
    expect(made({ stagnation: 0 })).toThrow(/"stagnation"/);
    expect(made({ timeoutMs: 0 })).toThrow(/"timeoutMs"/);
  });

  test('is handled where a settled reader takes it into account', async () => {
    const { region } = drafting(['bad']);
    const report = stage('report', { needs: { region: settled(region) }, run: ({ region }) => region.status });
    expect(await pipeline('p', { outputs: { report } }).run({})).toMatchObject({ status: 'completed', outputs: { report: 'failed' } });
  });
});

describe('what ends a guarded draft at once', () => {
  const judged = (check: () => never, draftOf: () => unknown = () => 'x') => {
    let drafts = 0;
    const region = guarded(
      'reply',
      (feedback) => {
        const draft = stage('draft', {
          needs: { feedback },
          run: () => {
            drafts++;
            return draftOf();
          },
        });
        return guard('broken', { subject: draft as Source, check });
      },
      { attempts: 5 },
    );
    return { made: pipeline('p', { outputs: { region } }), drafts: () => drafts };
  };

  test('is a guard that could not judge: it blocks, and no other draft is made', async () => {
    const { made, drafts } = judged(() => {
      throw new Error('down');
    });
    const run = await made.run({});
    expect(run).toMatchObject({ status: 'blocked', blockedBy: 'reply[1]/broken' });
    expect(run.errors.map(({ code }) => code)).toEqual(['SF_GUARD_FAILED']);
    expect(run.stages.get('reply')?.outcome).toMatchObject({ status: 'blocked', error: { code: 'SF_GUARD_FAILED' } });
    expect(drafts()).toBe(1);
  });

  test('is a draft that fails', async () => {
    const { made, drafts } = judged(
      () => pass() as never,
      () => {
        throw new Error('no');
      },
    );
    const run = await made.run({});
    expect(run).toMatchObject({ status: 'failed', error: { code: 'SF_STAGE_FAILED', path: 'reply[1]/draft' } });
    expect(run.errors).toHaveLength(1);
    expect(drafts()).toBe(1);
  });

  test('is a draft that is skipped', async () => {
    const run = await judged(
      () => pass() as never,
      () => skip('nothing to say'),
    ).made.run({});
    expect(run.stages.get('reply')?.outcome).toEqual({ status: 'skipped', reason: '"reply[1]/draft" was skipped' });
  });

  test('is a draft that cancels the run', async () => {
    const run = await judged(
      () => pass() as never,
      () => cancel('enough'),
    ).made.run({});
    expect(run).toMatchObject({ status: 'cancelled', cancelledBy: 'reply[1]/draft' });
  });
});

test.each(['fail-fast', 'continue', 'best-effort'] as const)(
  'a rejected draft neither stops nor blocks the run, in %s',
  async (failureMode) => {
    const { takes, see } = timedStages();
    const { region } = drafting(['bad', 'good']);
    const { run } = await see(pipeline('p', { outputs: { region, other: takes('other', 10) }, failureMode }));
    expect(run).toMatchObject({ status: 'completed', outputs: { region: 'good', other: 'other' }, errors: [] });
  },
);

test('the draft under way is aborted with its run', async () => {
  const { clock, see } = timedStages();
  const region = guarded('reply', (feedback) => {
    const draft = stage('draft', { needs: { feedback }, run: (_, { signal }) => clock.sleep(1_000, signal) });
    return guard('good', { subject: draft, check: () => pass() });
  });
  const { ends, run } = await see(pipeline('p', { outputs: { region } }), {}, { deadlineMs: 50 });
  expect(run.elapsedMs).toBe(50);
  expect(ends).toEqual({ reply: 'cancelled', 'reply[1]/draft': 'cancelled', 'reply[1]/good': 'cancelled' });
});
