import assert from 'node:assert/strict';
import { isTerminal } from '@stageflow/core';
import { Layout } from './layout-of-regions.ts';
import { endsOfRegion } from './model-of-bodies.ts';
import { type End, type Facts, type Given, ScopeModel } from './model-of-regions.ts';
import type { ObservedRegions } from './observed-regions.ts';
import { nodeAt, outermostInput, outermostList, type ScriptedRegionRun, tell } from './scripted-regions.ts';

/** What the model makes of a run. */
export interface Explained {
  readonly root: ScopeModel;
  readonly facts: Facts;
  /** How each path ended. */
  readonly told: ReadonlyMap<string, End>;
}

/** Whether everything that was seen of a run is what the model says, and what every run must be. @throws Where it is not. */
export function checkRegions(script: ScriptedRegionRun, observed: ObservedRegions): Explained {
  checkEvents(observed);
  const facts = factsOf(observed);
  const told = new Map<string, End>();
  const given: Given = {
    prefix: '',
    region: undefined,
    around: undefined,
    values: new Map<string, unknown>(Object.entries({ text: outermostInput, list: outermostList })),
    mode: script.failureMode,
    openedAt: 0,
    mayBeStopped: Number.isFinite(facts.stoppedAt),
    passOn: () => {},
    endsOf: endsOfRegion,
  };
  const root = new ScopeModel(new Layout(script), facts, given, told).checked();
  assert.deepEqual([...told.keys()].sort(), [...observed.run.stages.keys()].sort(), 'what is reported is what there is');
  checkEnding(script, root, observed);
  checkCounts(told, observed);
  checkStops(root, observed);
  checkLimits(script, observed);
  assert.deepEqual(observed.afterwards, { events: 0, calls: 0 });
  return { root, facts, told };
}

export function factsOf({ run, events }: ObservedRegions): Facts {
  const startedAt = new Map<string, number>();
  const endedAt = new Map<string, number>();
  for (const event of events) {
    if (event.type === 'stage.started') startedAt.set(event.path, event.seq);
    else if (isEnd(event.type) && 'path' in event) endedAt.set(event.path, event.seq);
  }
  const paths = [...run.stages.keys()];
  const failing = paths.filter((path) => /^(failed|blocked)$/.test(run.stages.get(path)?.status ?? ''));
  const opened = new Set(paths.flatMap((path) => [...path.matchAll(/[[/]/g)].map(({ index }) => path.slice(0, index + 1))));
  return {
    outcome: (path) => {
      const report = run.stages.get(path);
      return report && tell({ ...report.outcome, ...(report.status === 'blocked' ? { blockedBy: undefined } : {}) });
    },
    startedAt: (path) => startedAt.get(path),
    endedAt: (path) => endedAt.get(path) ?? Number.POSITIVE_INFINITY,
    isOpened: (prefix) => opened.has(prefix),
    timeAt: (position) => events[position - 1]?.elapsedMs,
    isFailingBelow: (prefix) => failing.some((path) => path.startsWith(prefix)),
    stoppedAt: events.find(({ type }) => type === 'run.stopping')?.seq ?? Number.POSITIVE_INFINITY,
    order: new Map(paths.map((path, at) => [path, at])),
  };
}

function isEnd(type: string): boolean {
  return /^stage\.(completed|skipped|failed|blocked|cancelled)$/.test(type);
}

/** Numbers without a gap, one end for each reported path, starts before ends, nothing after the last. */
function checkEvents({ run, events, deeds }: ObservedRegions): void {
  assert.deepEqual(
    events.map(({ seq }) => seq),
    events.map((_, at) => at + 1),
  );
  assert.deepEqual(
    events.flatMap((event, at) => (isTerminal(event) ? [at] : [])),
    [events.length - 1],
  );
  assert.equal(events.at(-1)?.type, `run.${run.status}`);
  const started = new Map<string, number>();
  const ended = new Map<string, number>();
  for (const event of events) {
    if (!('path' in event) || event.path === undefined) continue;
    const { path, type } = event;
    if (type === 'stage.started') {
      assert.ok(!started.has(path) && !ended.has(path), `${path} started a second time, or after its end`);
      started.set(path, event.seq);
    } else if (isEnd(type)) {
      assert.ok(!ended.has(path), `${path} ended a second time`);
      ended.set(path, event.seq);
      assert.equal(type, `stage.${run.stages.get(path)?.status}`);
    }
  }
  assert.deepEqual([...ended.keys()].sort(), [...run.stages.keys()].sort(), 'each reported path has ended, and no other');
  for (const [path, report] of run.stages) {
    const calls = deeds.filter((deed) => deed.did === 'called' && deed.path === path).length;
    if (/^(transform|work|route|guard)$/.test(report.kind)) assert.equal(calls, report.attempts, `calls of ${path}`);
    assert.equal(report.attempts > 0, started.has(path), `${path}: ${report.attempts} attempts`);
  }
}

/** The status, the outputs, and what decided. */
function checkEnding(script: ScriptedRegionRun, root: ScopeModel, { run, events }: ObservedRegions): void {
  assert.equal(tell(run.outputs), tell(root.outputs(script)), 'the outputs');
  const stopping = events.find((event) => event.type === 'run.stopping');
  if (run.status === 'cancelled') {
    const by = run.cancelledBy;
    if (by === undefined) return assert.equal(stopping?.elapsedMs, script.abortAtMs);
    assert.equal(root.facts.outcome(by), 'cancelled');
    const node = nodeAt(script, by);
    return assert.equal(node?.is === 'stage' && node.mishap?.what, 'cancel');
  }
  if (run.status === 'failed' && run.error.code === 'SF_RUN_DEADLINE') return assert.equal(stopping?.elapsedMs, script.deadlineMs);
  const { end, degraded } = root.pipelineEnd();
  assert.equal(
    stopping !== undefined,
    root.firstStopper !== undefined,
    'a failure that is not handled stops a run in fail-fast, and nothing else does',
  );
  if (run.status === 'completed') assert.deepEqual([end.is, run.degraded], ['completed', degraded]);
  if (run.status === 'failed') assert.deepEqual(end, { is: 'failed', code: run.error.code, path: run.error.path });
  if (run.status === 'blocked') assert.deepEqual([end.is, end.is === 'blocked' && end.by], ['blocked', run.blockedBy]);
}

function checkCounts(told: ReadonlyMap<string, End>, { run }: ObservedRegions): void {
  const counts = { completed: 0, skipped: 0, failed: 0, blocked: 0, cancelled: 0 };
  for (const { is } of told.values()) counts[is]++;
  assert.deepEqual(run.counts, counts);
  const errors = new Set(run.errors.map(({ path, code }) => `${path} ${code}`));
  assert.equal(errors.size, run.errors.length, 'each failure is told once');
  for (const end of told.values())
    if (end.is === 'failed') assert.ok(errors.has(`${end.path} ${end.code}`), `${end.path} ${end.code} is among the errors`);
}

/** Nothing starts once the run was told to stop. */
function checkStops(root: ScopeModel, { events }: ObservedRegions): void {
  for (const event of events) {
    if (event.type === 'stage.started') assert.ok(event.seq < root.facts.stoppedAt, `${event.path} started after the run was told to stop`);
  }
}

/** The limit of the run, over all scopes. */
function checkLimits(script: ScriptedRegionRun, { events, deeds }: ObservedRegions): void {
  const { maxConcurrency = Number.POSITIVE_INFINITY } = script;
  const endedAtMs = new Map(
    events.flatMap((event) => (isEnd(event.type) && 'path' in event ? [[event.path, event.elapsedMs] as const] : [])),
  );
  const abandonedAtMs = new Map<string, number>(
    events.flatMap((event) => (event.type === 'attempt.abandoned' ? [[`${event.path} ${event.attempt}`, event.elapsedMs] as const] : [])),
  );
  const underWay = new Map<string, string>();
  for (const { did, path, attempt, atMs } of deeds) {
    const call = `${path} ${attempt}`;
    if (did === 'settled') underWay.delete(call);
    else {
      for (const [other, at] of underWay)
        if ((abandonedAtMs.get(other) ?? endedAtMs.get(at) ?? Number.POSITIVE_INFINITY) <= atMs) underWay.delete(other);
      underWay.set(call, path);
    }
    assert.ok(underWay.size <= maxConcurrency, `${underWay.size} calls are under way at ${atMs} ms, at most ${maxConcurrency} may be`);
  }
}
