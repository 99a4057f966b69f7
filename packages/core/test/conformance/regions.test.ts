import { block, type Feedback, guard, guarded, inputs, pass, pipeline, type Source, services, stage, subpipeline } from '@stageflow/core';
import { recordingSink, virtualClock } from '@stageflow/testing';
import { describe, expect, test } from 'vitest';
import { timedStages } from '../timed-stages.ts';

/** A draft for each of `values`, the last one again and again, and a guard that lets only "good" pass. */
function drafts(values: readonly string[], options: Parameters<typeof guarded>[2] = {}) {
  const calls = { draft: 0, guard: 0 };
  const region = guarded(
    'reply',
    (feedback: Source<Feedback | undefined>) => {
      const draft = stage('draft', {
        needs: { feedback },
        run: () => values[Math.min(calls.draft++, values.length - 1)],
      });
      return guard('quality', {
        subject: draft,
        check: ({ subject }) => {
          calls.guard++;
          return subject === 'good' ? pass() : block('not good');
        },
      });
    },
    options,
  );
  return { region, calls, made: pipeline('p', { outputs: { region } }) };
}

describe('guard retry', () => {
  test('[125] a draft that the guard refuses is made again, and the second one counts', async () => {
    const { made, calls } = drafts(['bad', 'good']);
    const run = await made.run({});

    expect(run).toMatchObject({ status: 'completed', outputs: { region: 'good' } });
    expect(calls).toEqual({ draft: 2, guard: 2 });
  });

  test('[126] a guard that never passes fails the run after its attempts, and the error names the region', async () => {
    const { made, calls } = drafts(['bad', 'worse', 'good'], { attempts: 2 });
    const run = await made.run({});

    expect(run).toMatchObject({ status: 'failed', error: { code: 'SF_GUARD_EXHAUSTED', path: 'reply', details: { attempts: 2 } } });
    expect(calls).toEqual({ draft: 2, guard: 2 });
  });

  test('[127] equal drafts end it though attempts remain', async () => {
    const { made, calls } = drafts(['bad'], { attempts: 5, stagnation: 1 });
    const run = await made.run({});

    expect(run).toMatchObject({ status: 'failed', error: { path: 'reply', details: { spent: 'stagnation' } } });
    expect(calls.draft).toBe(2);
  });

  test('[128] the time limit ends it at the next refusal though attempts remain', async () => {
    const clock = virtualClock();
    let made = 0;
    const region = guarded(
      'reply',
      (feedback) => {
        const draft = stage('draft', { needs: { feedback }, run: (_, { signal }) => clock.sleep(20, signal).then(() => ++made) });
        return guard('quality', { subject: draft, check: () => block('not good') });
      },
      { attempts: 9, timeoutMs: 10 },
    );
    const run = await clock.settle(pipeline('p', { outputs: { region } }).run({}, { clock }));

    expect(run).toMatchObject({ status: 'failed', error: { path: 'reply', details: { spent: 'timeout', attempts: 2 } } });
  });

  test('[D14] what stands between draft and guard is made again, and the draft is told why', async () => {
    const heard: unknown[] = [];
    let between = 0;
    const region = guarded('reply', (feedback) => {
      const draft = stage('draft', {
        needs: { feedback },
        run: ({ feedback }) => {
          heard.push(feedback);
          return feedback === undefined ? 'bad' : 'good';
        },
      });
      const polished = stage('polished', {
        needs: { draft },
        run: ({ draft }) => {
          between++;
          return draft;
        },
      });
      return guard('quality', { subject: polished, check: ({ subject }) => (subject === 'good' ? pass() : block('not good')) });
    });
    const run = await pipeline('p', { outputs: { region } }).run({});

    expect(run).toMatchObject({ status: 'completed', outputs: { region: 'good' } });
    expect(between).toBe(2);
    expect(heard).toEqual([undefined, { attempt: 1, reason: 'not good', value: 'bad' }]);
  });
});

describe('a child', () => {
  const { text } = inputs<{ text: string }>();
  const child = pipeline('child', { outputs: { upper: stage('upper', { needs: { text }, run: ({ text }) => text.toUpperCase() }) } });

  test('[166] [169] gives its outputs and its duration, and its start and end are told to the sink', async () => {
    const { takes, see } = timedStages();
    const nested = pipeline('nested', { outputs: { deep: takes('deep', 30) } });
    const { run, events } = await see(pipeline('p', { outputs: { outer: subpipeline('outer', nested, {}) } }));

    expect(run.outputs).toEqual({ outer: { deep: 'deep' } });
    expect(run.stages.get('outer')).toMatchObject({ status: 'completed', durationMs: 30 });
    const told = events.flatMap((event) => ('path' in event ? [`${event.type} ${event.path}`] : []));
    expect(told).toEqual(['stage.started outer', 'stage.started outer/deep', 'stage.completed outer/deep', 'stage.completed outer']);
    expect(events.map(({ seq }) => seq)).toEqual(events.map((_, at) => at + 1));
  });

  test('[167] has a failure mode of its own', async () => {
    const broken = stage('broken', { run: () => Promise.reject(new Error('no')) });
    const fine = stage('fine', { run: () => 1 });
    const lenient = pipeline('lenient', { outputs: { fine }, also: { broken }, failureMode: 'best-effort' });
    const run = await pipeline('p', { outputs: { outer: subpipeline('outer', lenient, {}) }, failureMode: 'fail-fast' }).run({});

    expect(run).toMatchObject({ status: 'completed', outputs: { outer: { fine: 1 } } });
  });

  test('[168] [43] [45] gets the data it is given, and nothing of what is around it changes', async () => {
    const { text: given, other } = inputs<{ text: string; other: string }>();
    const outer = subpipeline('outer', child, { text: other });
    const both = stage('both', { needs: { given, outer }, run: ({ given, outer }) => [given, outer.upper] });
    const run = await pipeline('p', { outputs: { both } }).run({ text: 'mine', other: 'yours' });

    expect(run.outputs).toEqual({ both: ['mine', 'YOURS'] });
  });

  test('[172] [175] is found by its path, and its reports and events are plain data', async () => {
    const sink = recordingSink();
    const inner = pipeline('inner', { outputs: { outer: subpipeline('outer', child, { text }) } });
    const run = await pipeline('p', { outputs: { root: subpipeline('root', inner, { text }) } }).run({ text: 'hi' }, { sinks: [sink] });

    expect([...run.stages.keys()]).toEqual(['root', 'root/outer', 'root/outer/upper']);
    expect(JSON.parse(JSON.stringify(run)).stages.map(({ path }: { path: string }) => path)).toEqual([...run.stages.keys()]);
    expect(JSON.parse(JSON.stringify(sink.events))).toEqual(sink.events.map((event) => ({ ...event })));
  });

  test('[41] [42] belongs to the run around it: same ids, same services', async () => {
    const { model } = services<{ model: { name: string } }>();
    const identities: unknown[] = [];
    const seen = stage('seen', {
      needs: { model },
      run: ({ model }, { identity, runId, path }) => {
        identities.push([identity.userId, identity.sessionId, identity.requestId, runId, path]);
        return model.name;
      },
    });
    const outer = subpipeline('outer', pipeline('nested', { outputs: { seen } }), {});
    const ids = { userId: 'u', sessionId: 's', requestId: 'r', runId: 'run-1' };
    const run = await pipeline('p', { outputs: { outer } }).run({}, { ...ids, services: { model: { name: 'm' } } });

    expect(run.outputs).toEqual({ outer: { seen: 'm' } });
    expect(identities).toEqual([['u', 's', 'r', 'run-1', 'outer/seen']]);
  });

  test('[44] does not start in a run that was cancelled', async () => {
    const outer = subpipeline('outer', child, { text });
    const run = await pipeline('p', { outputs: { outer } }).run({ text: 'hi' }, { signal: AbortSignal.abort('no') });

    expect(run).toMatchObject({ status: 'cancelled' });
    expect([...run.stages].map(([path, { status }]) => [path, status])).toEqual([['outer', 'cancelled']]);
  });

  test('[D24] [D25] is aborted with the run around it and reported as cancelled; its events carry the id of the run and its path', async () => {
    const { takes, see, aborted, clock } = timedStages();
    const caller = new AbortController();
    clock.schedule(() => caller.abort('the caller left'), 50);
    const nested = pipeline('nested', { outputs: { second: takes('second', 10, { first: takes('first', 1_000) }) } });
    const { run, events, ends } = await see(
      pipeline('p', { outputs: { outer: subpipeline('outer', nested, {}) } }),
      {},
      { signal: caller.signal },
    );

    expect(run).toMatchObject({ status: 'cancelled', reason: 'the caller left', elapsedMs: 50 });
    expect(aborted).toEqual(['first']);
    expect(ends).toEqual({ outer: 'cancelled', 'outer/first': 'cancelled', 'outer/second': 'cancelled' });
    expect(events).toContainEqual(expect.objectContaining({ type: 'stage.cancelled', path: 'outer/first', runId: run.runId }));
  });
});
