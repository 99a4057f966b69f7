import assert from 'node:assert/strict';
import { isTerminal, type Run } from '@stageflow/core';
import { endInWords, type Life } from './model.ts';
import type { Call } from './model-of-attempts.ts';
import { type Ending, verdictOf } from './model-of-runs.ts';
import type { Observed } from './observed-run.ts';
import type { ScriptedGraph } from './scripted-graph.ts';
import { briefly, inWords } from './scripted-pipeline.ts';

/** Whether everything that was seen of a run is what the model says, and what every run must be. @throws Where it is not. */
export function checkRun(graph: ScriptedGraph, lives: readonly Life[], observed: Observed): void {
  checkOutcome(graph, lives, observed);
  checkReports(graph, lives, observed);
  checkEvents(lives, observed);
  checkStarts(graph, lives, observed);
  checkEnd(lives, observed);
}

function checkOutcome(graph: ScriptedGraph, lives: readonly Life[], { run, facts, plan }: Observed): void {
  const order = plan.stages.map(({ name }) => name);
  const verdict = verdictOf(graph, lives, facts, order);
  const ending = endingOf(run);
  assert.ok(
    verdict.endings.some(({ status, by }) => status === ending.status && by === ending.by),
    `The run ended ${ending.status} by ${ending.by}; it had to end as one of ${JSON.stringify(verdict.endings)}.`,
  );
  assert.deepEqual(mapValues(run.outputs, briefly), verdict.outputs);
  const ordered = lives.toSorted((left, right) => order.indexOf(left.stage.name) - order.indexOf(right.stage.name));
  assert.deepEqual(
    run.errors.map(({ path, code }) => `${path} ${code}`),
    ordered.flatMap(({ stage, failure }) => (failure === undefined ? [] : [`${stage.name} ${failure}`])),
  );
  const counts = { completed: 0, skipped: 0, failed: 0, blocked: 0, cancelled: 0 };
  for (const { end } of lives) counts[end.is]++;
  assert.deepEqual(run.counts, counts);
  assert.deepEqual(
    run.unsettled,
    ordered.flatMap((life) => (isUnsettled(life, facts.endAt) ? [life.stage.name] : [])),
  );
  assert.deepEqual([...run.stages.keys()], order);
}

function endingOf(run: Run): Ending {
  if (run.status === 'completed') return { status: run.degraded ? 'degraded' : 'completed', by: undefined };
  if (run.status === 'failed') return { status: 'failed', by: run.error.path };
  if (run.status === 'suspended') throw new Error('a run without a store was suspended');
  return { status: run.status, by: run.status === 'blocked' ? run.blockedBy : run.cancelledBy };
}

function mapValues(record: Readonly<Record<string, unknown>>, change: (value: unknown) => unknown): Record<string, unknown> {
  return Object.fromEntries(Object.entries(record).map(([key, value]) => [key, change(value)]));
}

/** A call of its function has not settled. */
export function isUnsettled({ calls }: Life, endAt: number): boolean {
  return calls.some(({ settledAt }) => settledAt > endAt);
}

function checkReports(graph: ScriptedGraph, lives: readonly Life[], { run, facts }: Observed): void {
  const expected = lives.map((life) => {
    const { stage, end, endAt, calls } = life;
    const startAt = graph.timings ? calls[0]?.startAt : undefined;
    return {
      stage: stage.name,
      outcome: endInWords(end),
      attempts: calls.length,
      unsettled: isUnsettled(life, facts.endAt),
      startedAfterMs: startAt,
      durationMs: startAt === undefined ? undefined : endAt - startAt,
      queuedMs: graph.timings ? calls.reduce((sum, call) => sum + call.startAt - call.readyAt, 0) : 0,
    };
  });
  const actual = lives.map(({ stage: { name } }) => {
    const report = run.stages.get(name);
    assert.ok(report, `no report of ${name}`);
    const { stage, outcome, attempts, unsettled, startedAfterMs, durationMs, queuedMs } = report;
    return { stage, outcome: inWords(outcome), attempts, unsettled, startedAfterMs, durationMs, queuedMs };
  });
  assert.deepEqual(actual, expected);
}

function checkEvents(lives: readonly Life[], { events, run, facts }: Observed): void {
  assert.deepEqual(
    events.map(({ seq }) => seq),
    events.map((_, at) => at + 1),
  );
  assert.ok(events.every(({ elapsedMs }, at) => elapsedMs >= (events[at - 1]?.elapsedMs ?? 0)));
  assert.deepEqual([events[0]?.type, events[1]?.type], ['run.created', 'run.started']);
  assert.deepEqual(
    events.flatMap((event, at) => (isTerminal(event) ? [at] : [])),
    [events.length - 1],
  );
  assert.equal(events.at(-1)?.type, `run.${run.status}`);
  const told = new Map<string, string[]>(lives.map(({ stage }) => [stage.name, []]));
  const aside = new Map<string, number>();
  for (const event of events) {
    if (!('stage' in event)) continue;
    const line = event.type === 'attempt.failed' ? `${event.error.code} ${event.retryInMs}` : '';
    const isAside = event.type === 'attempt.arrived_late' || event.type === 'stage.progressed';
    if (!isAside) told.get(event.stage)?.push(`${event.type} ${event.attempt} ${line}`);
    else aside.set(`${event.stage} ${event.type}`, (aside.get(`${event.stage} ${event.type}`) ?? 0) + 1);
  }
  for (const life of lives) {
    const { stage, calls } = life;
    assert.deepEqual(told.get(stage.name), tellings(life));
    assert.equal(aside.get(`${stage.name} attempt.arrived_late`) ?? 0, calls.filter((call) => arrivedLate(call, facts.endAt)).length);
    const progressed = calls.filter(({ script, answeredAt }) => script.beatMs !== undefined && answeredAt <= facts.endAt);
    assert.equal(aside.get(`${stage.name} stage.progressed`) ?? 0, progressed.length);
  }
}

/** A call that was given up settled while the run still went on. */
export function arrivedLate({ isAbandoned, settledAt }: Call, endAt: number): boolean {
  return isAbandoned && settledAt <= endAt;
}

/** The events about a stage, but for late arrivals and progress, which may come after its end. */
function tellings({ stage, end, calls, failedOpen }: Life): string[] {
  // A stage that can have but one attempt says only how it ended.
  const { kind, contract, retry, timeoutMs, idleMs, budgetMs } = stage;
  const isPlain =
    (kind === 'transform' || kind === 'work') && [contract, retry, timeoutMs, idleMs, budgetMs].every((policy) => policy === undefined);
  const lines = calls.length > 0 ? ['stage.started 1 '] : [];
  for (const [at, { failed, isAbandoned, retryInMs }] of calls.entries()) {
    if (isAbandoned) lines.push(`attempt.abandoned ${at + 1} `);
    if (failed !== undefined && !isPlain) lines.push(`attempt.failed ${at + 1} ${failed} ${retryInMs}`);
  }
  if (failedOpen) lines.push(`guard.failed_open ${calls.length} `);
  return [...lines, `stage.${end.is} ${calls.length} `];
}

/** Starts come as soon as they can, in the order in which they could, and never more at once than the limit. */
function checkStarts(
  { maxConcurrency = Number.POSITIVE_INFINITY }: ScriptedGraph,
  lives: readonly Life[],
  { deeds, facts }: Observed,
): void {
  const byName = new Map(lives.map((life) => [life.stage.name, life]));
  const underWay = new Map<string, Call>();
  let lastReadyAt = 0;
  for (const { did, stage, attempt, atMs } of deeds) {
    const call = byName.get(stage)?.calls[attempt - 1];
    if (did === 'cleaned up') continue;
    assert.ok(call, `the model knows no call ${attempt} of ${stage}`);
    if (did === 'settled') {
      assert.equal(atMs, call.answeredAt);
      if (atMs === call.closedAt) underWay.delete(`${stage} ${attempt}`);
      continue;
    }
    assert.ok(
      call.readyAt >= lastReadyAt,
      `${stage} (${attempt}) was ready at ${call.readyAt} ms, and started after one that was at ${lastReadyAt} ms`,
    );
    lastReadyAt = call.readyAt;
    // A call that was given up, or whose answer is with a slow contract, is not over when its function settles.
    for (const [key, { answeredAt, closedAt }] of underWay) if (answeredAt !== closedAt && closedAt <= atMs) underWay.delete(key);
    underWay.set(`${stage} ${attempt}`, call);
    assert.ok(underWay.size <= maxConcurrency, `${underWay.size} calls are under way at ${atMs} ms, at most ${maxConcurrency} may be`);
  }
  const nextFreeAt = freeSlots(lives, maxConcurrency);
  for (const { stage, readyAt, calls } of lives) {
    const takenUpAt = calls[0]?.startAt ?? facts.takenUpAt.get(stage.name);
    const last = calls.at(-1);
    const waits = [
      [readyAt, takenUpAt ?? Math.min(facts.stopAt, facts.endAt)],
      ...calls.slice(1).map((call) => [call.readyAt, call.startAt]),
      ...(last?.retryInMs === undefined ? [] : [[last.closedAt + last.retryInMs, facts.stopAt]]),
    ] as [number, number][];
    for (const [from, until] of waits) {
      const freeAt = nextFreeAt(from);
      assert.ok(
        freeAt >= until,
        `${stage.name}, ready at ${from} ms, was not taken up before ${until} ms; a slot was free at ${freeAt} ms`,
      );
    }
    const isEarly = (takenUpAt ?? readyAt) < readyAt || calls.some((call) => call.startAt < call.readyAt);
    assert.ok(!isEarly, `${stage.name} was taken up before it could be`);
  }
}

/** From when on a slot is free, at or after a time; slots that are free for no time at all do not count. */
function freeSlots(lives: readonly Life[], maxConcurrency: number): (from: number) => number {
  if (maxConcurrency === Number.POSITIVE_INFINITY) return (from) => from;
  const changes = lives
    .flatMap(({ calls }) => calls)
    .flatMap(({ startAt, closedAt }) =>
      closedAt > startAt
        ? [
            { at: startAt, by: 1 },
            { at: closedAt, by: -1 },
          ]
        : [],
    )
    .sort((left, right) => left.at - right.at);
  const free: { readonly from: number; readonly until: number }[] = [];
  let active = 0;
  let before = 0;
  for (const { at, by } of [...changes, { at: Number.POSITIVE_INFINITY, by: 0 }]) {
    if (active < maxConcurrency && at > before) free.push({ from: before, until: at });
    active += by;
    before = at;
  }
  return (from) => {
    let low = 0;
    let high = free.length - 1;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((free[middle]?.until ?? 0) > from) high = middle;
      else low = middle + 1;
    }
    return Math.max(from, free[low]?.from ?? Number.POSITIVE_INFINITY);
  };
}

/** The run ends with its last call, or when the grace after a stop has passed; then come the cleanups; then nothing. */
function checkEnd(lives: readonly Life[], { facts, run, deeds, afterwards }: Observed): void {
  const closings = lives.flatMap(({ calls }) => calls.map(({ closedAt }) => closedAt));
  const ends = facts.stopAt < Number.POSITIVE_INFINITY ? [facts.stopAt, ...closings] : lives.map(({ endAt }) => endAt);
  const endAt = ends.reduce((latest, at) => Math.max(latest, at), 0);
  assert.equal(facts.endAt, endAt);
  assert.equal(run.elapsedMs, endAt);
  const registered = deeds.filter(({ did, attempt, stage }) => did === 'called' && attempt === 1 && hasCleanup(lives, stage));
  const cleaned = deeds.filter(({ did }) => did === 'cleaned up');
  assert.deepEqual(
    cleaned.map(({ stage, atMs }) => `${stage} ${atMs}`),
    registered.map(({ stage }) => `${stage} ${endAt}`).reverse(),
  );
  assert.deepEqual(afterwards, { events: 0, calls: 0 });
}

function hasCleanup(lives: readonly Life[], name: string): boolean {
  return lives[Number(name.slice(1))]?.stage.hasKey === true;
}
