import { type RecordingSink, recordingSink, virtualClock } from '@stageflow/testing';
import { describe, expect, test } from 'vitest';
import { cancel, skip } from '../control.ts';
import { settled } from '../edge.ts';
import type { EventOf, RunEvent } from '../event.ts';
import { block, guard } from '../guard.ts';
import { inputs } from '../inputs.ts';
import { pipeline } from '../pipeline.ts';
import type { Run } from '../run.ts';
import { type Stage, type StagePolicy, stage } from '../stage.ts';
import type { RunOptions } from './start-run.ts';

type Told = RecordingSink & { readonly run: Run };

/** The events of a pipeline with these outputs, by virtual time. */
async function events(outputs: Record<string, unknown>, options: RunOptions = {}, clock = virtualClock()): Promise<Told> {
  const sink = recordingSink();
  const made = pipeline('p', { outputs: outputs as Record<string, Stage> });
  const run = (await clock.settle(made.run({ text: 'hi' } as never, { clock, sinks: [sink], ...options } as never))) as Run;
  return Object.assign(sink, { run });
}

const envelope = ['runId', 'pipeline', 'epoch', 'seq', 'at', 'elapsedMs', 'tenantId', 'traceId', 'correlationId', 'parentRunId'];

/** An event without what all events carry; members that are not there are not there. */
function facts(event: RunEvent | undefined): Record<string, unknown> {
  return Object.fromEntries(Object.entries(event ?? {}).filter(([member]) => !envelope.includes(member)));
}

/** Works for `ms` of virtual time, then ends as `end` says. */
function working(ms: number, end: () => unknown, policy: StagePolicy & { onFailure?: 'skip' } = {}) {
  const clock = virtualClock();
  return { clock, it: stage('it', { ...policy, run: () => clock.sleep(ms).then(end) }) };
}

const no = (): never => {
  throw new Error('no');
};
const { text } = inputs<{ text: string }>();
const blocking = guard('safe', { subject: text, check: () => block('a secret') });

describe('every event', () => {
  test('carries the run, its number, the wall clock and the time since the start', async () => {
    const clock = virtualClock({ now: 5_000, monotonic: 77 });
    const it = stage('it', { run: () => clock.sleep(30) });
    const ids = { runId: 'r', tenantId: 'acme', traceId: 't', correlationId: 'c', parentRunId: 'parent' };
    const { events: told } = await events({ it }, ids, clock);
    const common = { ...ids, pipeline: 'p', epoch: 1 };
    expect(told.map(({ type, seq, at, elapsedMs }) => [type, seq, at, elapsedMs])).toEqual([
      ['run.created', 1, 5_000, 0],
      ['run.started', 2, 5_000, 0],
      ['stage.started', 3, 5_000, 0],
      ['stage.completed', 4, 5_030, 30],
      ['run.completed', 5, 5_030, 30],
    ]);
    for (const event of told) expect(event).toMatchObject(common);
  });

  test('has its time where timings are off as well', async () => {
    const clock = virtualClock({ now: 5_000, monotonic: 77 });
    const it = stage('it', { run: () => clock.sleep(30) });
    const { events: told } = await events({ it }, { timings: false }, clock);
    expect(told.map(({ at }) => at)).toEqual([5_000, 5_000, 5_000, 5_030, 5_030]);
  });

  test('keeps its time where the wall clock is set meanwhile', async () => {
    const clock = virtualClock({ now: 5_000 });
    const it = stage('it', { run: () => clock.sleep(30).then(() => clock.jumpWall(-4_000)) });
    expect((await events({ it }, {}, clock)).last('run.completed')).toMatchObject({ at: 5_030, elapsedMs: 30 });
  });

  test('is frozen in development: no sink can change what another is told', async () => {
    const { events: told } = await events({ it: stage('it', { run: () => 1 }) });
    expect(told.length).toBe(5);
    expect(told.every(Object.isFrozen)).toBe(true);
  });
});

describe('the first event', () => {
  test('says how many stages there are and who the run is for, but not the metadata of users', async () => {
    const it = stage('it', { run: () => 1 });
    const options = { runId: 'r', userId: 'ada', metadata: { address: 'secret' } };
    const created = (await events({ it, blocking }, options)).last('run.created');
    expect(created).toMatchObject({ version: 1, stageCount: 2, identity: { runId: 'r', userId: 'ada' } });
    expect(created?.identity).not.toHaveProperty('metadata');
  });
});

describe('the last event', () => {
  const counts = { completed: 0, skipped: 0, failed: 0, blocked: 0, cancelled: 0 };

  test('of a run that completed says whether it is degraded', async () => {
    const { clock, it } = working(30, () => 1);
    expect(facts((await events({ it }, {}, clock)).events.at(-1))).toEqual({
      type: 'run.completed',
      durationMs: 30,
      counts: { ...counts, completed: 1 },
      unsettled: [],
      degraded: false,
    });
    const sink = recordingSink();
    const degraded = pipeline('p', { outputs: { it: stage('it', { run: () => 1 }) }, also: { bad: stage('bad', { run: no }) } });
    await degraded.run({}, { failureMode: 'best-effort', sinks: [sink] });
    expect(sink.last('run.completed')?.degraded).toBe(true);
  });

  test('of a run that failed has the error in short', async () => {
    const { clock, it } = working(30, no);
    expect(facts((await events({ it }, {}, clock)).events.at(-1))).toEqual({
      type: 'run.failed',
      durationMs: 30,
      counts: { ...counts, failed: 1 },
      unsettled: [],
      error: { code: 'SF_STAGE_FAILED', message: 'Stage "it" failed: no.', retryable: true },
    });
  });

  test('of a run that was blocked has the reason and the guard', async () => {
    expect(facts((await events({ blocking })).events.at(-1))).toEqual({
      type: 'run.blocked',
      durationMs: 0,
      counts: { ...counts, blocked: 1 },
      unsettled: [],
      reason: 'a secret',
      blockedBy: 'safe',
    });
  });

  test('of a run that was cancelled has the reason and who asked', async () => {
    const { clock, it } = working(30, () => cancel('enough'));
    expect(facts((await events({ it }, {}, clock)).events.at(-1))).toEqual({
      type: 'run.cancelled',
      durationMs: 30,
      counts: { ...counts, cancelled: 1 },
      unsettled: [],
      reason: 'enough',
      cancelledBy: 'it',
    });
  });
});

describe('an event of a stage', () => {
  const ended = ({ events: told }: Told, name = 'it'): RunEvent | undefined =>
    told.find((event) => /^stage\.(completed|skipped|failed|blocked|cancelled)$/.test(event.type) && (event as StageEvent).stage === name);
  type StageEvent = EventOf<'stage.started'>;
  const common = { stage: 'it', path: 'it', attempt: 1, kind: 'transform' };

  test('that started says how long it was in the queue', async () => {
    const { clock, it } = working(30, () => 1);
    const second = stage('second', { kind: 'agent', run: () => 2 });
    const told = await events({ it, second }, { maxConcurrency: 1 }, clock);
    expect(told.of('stage.started').map(facts)).toEqual([
      { type: 'stage.started', ...common, queuedMs: 0 },
      { type: 'stage.started', stage: 'second', path: 'second', attempt: 1, kind: 'agent', queuedMs: 30 },
    ]);
  });

  test('that completed says how long it took, and nothing else', async () => {
    const { clock, it } = working(30, () => 1);
    expect(facts(ended(await events({ it }, {}, clock)))).toEqual({ type: 'stage.completed', ...common, durationMs: 30 });
  });

  test('that was skipped by choice has the reason, and no root cause', async () => {
    const { clock, it } = working(30, () => skip('nothing'));
    const event = facts(ended(await events({ it }, {}, clock)));
    expect(event).toEqual({ type: 'stage.skipped', ...common, reason: 'nothing', rootCause: undefined });
    expect(Object.keys(event)).toContain('rootCause');
  });

  test('that was skipped because of another names it, and has no attempt', async () => {
    const { clock, it } = working(30, no);
    const reader = stage('reader', { needs: { it }, run: () => 1 });
    expect(facts(ended(await events({ reader }, { failureMode: 'continue' }, clock), 'reader'))).toEqual({
      type: 'stage.skipped',
      stage: 'reader',
      path: 'reader',
      attempt: 0,
      kind: 'transform',
      reason: '"it" failed',
      rootCause: 'it',
    });
  });

  test('that failed has the error in short, how long it took, and whether someone takes it into account', async () => {
    const failed = {
      type: 'stage.failed',
      ...common,
      durationMs: 30,
      error: { code: 'SF_STAGE_FAILED', message: 'Stage "it" failed: no.' },
    };
    for (const handled of [false, true]) {
      const { clock, it } = working(30, no);
      const outputs = handled ? { it: settled(it) } : { it };
      const event = facts(ended(await events(outputs, {}, clock)));
      expect(event).toMatchObject({ ...failed, handled });
      expect(event).not.toHaveProperty('reason');
      expect(event).not.toHaveProperty('rootCause');
    }
  });

  test('that was blocked has the reason, how long it took, and whether someone takes it into account', async () => {
    for (const handled of [false, true]) {
      const clock = virtualClock();
      const safe = guard('it', { subject: text, check: () => clock.sleep(30).then(() => block('a secret')) });
      const event = facts(ended(await events({ it: handled ? settled(safe) : safe }, {}, clock)));
      expect(event).toEqual({ type: 'stage.blocked', ...common, kind: 'guard', durationMs: 30, reason: 'a secret', handled });
    }
  });

  test('that was cancelled has the reason, and no more', async () => {
    const { clock, it } = working(30, () => cancel('enough'));
    const event = facts(ended(await events({ it }, {}, clock)));
    expect(event).toEqual({ type: 'stage.cancelled', ...common, reason: 'enough' });
    expect(Object.keys(event).sort()).toEqual(['attempt', 'kind', 'path', 'reason', 'stage', 'type']);
  });

  test.each<[string, () => unknown]>([
    ['completed', () => 1],
    ['failed', no],
  ])('that %s in its second attempt says so', async (status, end) => {
    let calls = 0;
    const { clock, it } = working(10, () => (++calls === 1 ? no() : end()), { retry: { attempts: 2, baseMs: 0 } });
    expect(ended(await events({ it }, {}, clock))).toMatchObject({ type: `stage.${status}`, attempt: 2, durationMs: 20 });
  });

  test.each<[string, () => unknown]>([
    ['completed', () => 1],
    ['failed', no],
  ])('that %s has no duration where timings are off', async (status, end) => {
    const { clock, it } = working(30, end);
    expect(ended(await events({ it }, { timings: false }, clock))).toMatchObject({ type: `stage.${status}`, durationMs: 0, elapsedMs: 30 });
  });
});
