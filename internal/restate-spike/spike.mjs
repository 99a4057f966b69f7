// Runs every scenario on a real server and says what was observed: node --conditions=@stageflow/source spike.mjs
import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import { startCluster } from './cluster.mjs';

const rows = [];
const say = (scenario, observed) => {
  rows.push([scenario, observed]);
  console.log(`${scenario.padEnd(30)} ${observed}`);
};
const statusOf = (run, path) => run.stages.find((stage) => stage.path === path)?.status;
const starts = (cluster, runId, path) =>
  cluster.seen(runId).filter((each) => each.is === 'start' && (path === undefined || each.path === path));
const input = { text: 'hello' };

async function diamond(cluster) {
  const startedAt = performance.now();
  const run = await cluster.run('diamond', 'diamond', input);
  const ms = performance.now() - startedAt;
  assert.equal(run.status, 'completed');
  assert.equal(run.outputs.sink, 'HELLO-left HELLO-right HELLO undefined undefined');
  assert.deepEqual([statusOf(run, 'absent'), statusOf(run, 'behindAbsent')], ['skipped', 'skipped']);
  assert.equal(starts(cluster, 'diamond').length, 6);
  const workers = new Set(starts(cluster, 'diamond').map((each) => each.worker));
  say('diamond', `${Math.round(ms)} ms, 6 calls on ${workers.size} workers, order ${run.order.join(' ')}`);
  const blocked = await cluster.run('diamond-blocked', 'diamond', { text: 'bad' });
  assert.equal(blocked.status, 'blocked');
  assert.equal(statusOf(blocked, 'sink'), 'skipped');
  say('diamond, guard blocks', `${blocked.status}: ${blocked.reason}; sink ${statusOf(blocked, 'sink')}`);
}

async function map(cluster) {
  const startedAt = performance.now();
  const run = await cluster.run('map', 'map', input);
  assert.equal(run.outputs.joined, 'HELLO');
  assert.equal(starts(cluster, 'map').length, 12);
  const items = starts(cluster, 'map').filter((each) => each.path.endsWith('/shouted'));
  const shares = Map.groupBy(items, (each) => each.worker);
  say(
    'map over 5',
    `${Math.round(performance.now() - startedAt)} ms, ends ${run.order.slice(6).join(' ')}, shares ${[...shares.values()].map((each) => each.length).join('+')}`,
  );
}

async function retry(cluster) {
  const run = await cluster.run('retry', 'retry', input);
  assert.equal(run.outputs.flaky, 'hello at 3');
  const [first, second, third] = starts(cluster, 'retry');
  assert.ok(second.at - first.at >= 100 && third.at - second.at >= 100);
  say(
    'retry',
    `attempts ${starts(cluster, 'retry').map((each) => each.attempt)}, waits ${second.at - first.at} and ${third.at - second.at} ms for 100`,
  );
}

const wait = { waitId: 'approval#answer', path: 'approval', type: 'answer', request: '{"question":"pay hello"}' };

async function untilItWaits(cluster, runId) {
  for (;;) {
    const waits = await cluster.call(runId, 'waits', {});
    if (waits.length > 0) return waits;
    await sleep(10);
  }
}

async function approval(cluster) {
  await cluster.send('approval', 'approval', input);
  assert.deepEqual(await untilItWaits(cluster, 'approval'), [wait]);
  const answeredAt = Date.now();
  await cluster.call('approval', 'answer', { waitId: wait.waitId, answer: { approved: true, by: 'Ada' } });
  const run = await cluster.attach('approval');
  assert.equal(run.outputs.paid, 'pay hello, approved by Ada');
  assert.equal(starts(cluster, 'approval', 'draft').length, 1);
  const reentered = starts(cluster, 'approval', 'approval')[1].at - answeredAt;
  say('approval', `stage re-entered ${reentered} ms after the answer, run ended after ${Date.now() - answeredAt} ms, draft ran once`);
  const again = await cluster
    .call('approval', 'answer', { waitId: wait.waitId, answer: { approved: false } })
    .catch((error) => error.message);
  assert.match(String(again), /already|409/i);
  say('approval, second answer', String(again).slice(0, 100));

  await cluster.call('early', 'answer', { waitId: wait.waitId, answer: { approved: true, by: 'Bo' } });
  const early = await cluster.run('early', 'approval', input);
  assert.equal(early.outputs.paid, 'pay hello, approved by Bo');
  say('approval, early answer', 'kept until the stage suspends');

  await cluster.call('no', 'answer', { waitId: wait.waitId, answer: { approved: false } });
  const refused = await cluster.run('no', 'approval', input);
  assert.deepEqual([refused.status, statusOf(refused, 'approval')], ['failed', 'failed']);
  say('approval, refused', `${refused.status}: ${refused.reason}`);
}

/**
 * What is killed while a step is under way, or while nothing is but a timer or a wait.
 *
 * `step`: the step that runs when the worker is killed, or the last that ran. `seen`: what the walk must have been told before.
 */
const kills = [
  { pipeline: 'kill', step: 'long#1', seen: 'beside#1', expected: { after: 'hello!hello?' } },
  { pipeline: 'diamond', step: 'left#1', seen: 'absent#1', expected: { sink: 'HELLO-left HELLO-right HELLO undefined undefined' } },
  { pipeline: 'map', step: 'upper[h0]/shouted#1', seen: 'upper[o4]/waited#1', expected: { joined: 'HELLO' } },
  { pipeline: 'retry', step: 'flaky#1', seen: 'flaky#1', expected: { flaky: 'hello at 3' } },
  { pipeline: 'approval', step: 'approval#1', seen: 'approval#1', expected: { paid: 'pay hello, approved by Ada' }, answers: true },
];

/** Kills one of the two workers: the one that the step runs on, or the one that walks the plan. */
async function kill(cluster, which, { pipeline, step, seen, expected, answers }) {
  for (let tries = 1; ; tries++) {
    const runId = `kill-${pipeline}-${which}-${tries}`;
    const ended = cluster.run(runId, pipeline, input);
    ended.catch(() => undefined);
    const { worker: walker } = await cluster.observed(runId, (each) => each.is === 'pass');
    const { worker: runner } = await cluster.observed(runId, (each) => each.is === 'start' && each.key === step);
    await cluster.observed(runId, (each) => each.is === 'decision' && each.key === seen);
    if (answers) await untilItWaits(cluster, runId);
    const answer = () => answers && cluster.call(runId, 'answer', { waitId: wait.waitId, answer: { approved: true, by: 'Ada' } });
    if (walker === runner) {
      await answer();
      await ended;
      assert.ok(tries < 12, 'the balancer never parted the two');
      continue;
    }
    const killedAt = Date.now();
    const finished = decisions(cluster, runId).at(-1);
    const victim = which === 'stage' ? runner : walker;
    await cluster.killWorker(victim);
    const answered = answer();
    const run = await ended;
    await answered;
    const doneMs = Date.now() - killedAt;
    assert.equal(run.status, 'completed');
    assert.deepEqual(run.outputs, expected);
    const after = cluster.seen(runId).filter((each) => each.at > killedAt + 5);
    assert.ok(after.length > 0 && after.every((each) => each.worker !== victim));
    // What the walk was told of has not run again.
    const calls = Map.groupBy(starts(cluster, runId), (each) => each.key);
    for (const key of finished.filter((each) => calls.has(each))) assert.equal(calls.get(key).length, 1, key);
    const wasRunning = step !== seen;
    if (wasRunning) assert.equal(calls.get(step).length, which === 'stage' ? 2 : 1);
    const passes = decisions(cluster, runId);
    if (which === 'walking') assert.ok(passes.length > 1);
    for (const pass of passes) assert.deepEqual(pass, run.order.slice(0, pass.length));
    const resumed = after.find((each) =>
      which === 'walking' ? each.is === 'pass' : each.is === 'start' && (!wasRunning || each.key === step),
    );
    say(
      `SIGKILL, ${which}: ${pipeline}`,
      `${which === 'walking' ? 'walked again' : wasRunning ? 'the step again' : 'the next step'} on the other after ${resumed.at - killedAt} ms, ended after ${doneMs} ms; ${finished.length} ends before, none of them again; ${step} ${calls.get(step).length}x, ${passes.length} passes`,
    );
    await cluster.startWorker(victim);
    return;
  }
}

/** The decisions of a run, pass by pass. */
function decisions(cluster, runId) {
  const all = [];
  for (const each of cluster.seen(runId)) {
    if (each.is === 'pass') all.push([]);
    else if (each.is === 'decision') all.at(-1).push(each.key);
  }
  return all;
}

async function cancelling(cluster) {
  const id = await cluster.send('cancel', 'cancel', input);
  await cluster.observed('cancel', (each) => each.is === 'start');
  const at = Date.now();
  await cluster.cancel(id);
  const run = await cluster.attach('cancel');
  const endedMs = Date.now() - at;
  const told = await cluster.observed('cancel', (each) => each.is === 'signal');
  assert.ok(told.at - at < 5_000);
  assert.equal(run.status, 'cancelled');
  say(
    'cancel from outside',
    `signal inside the stage after ${told.at - at} ms, run ended after ${endedMs} ms as ${run.status}, order ${JSON.stringify(run.order)}`,
  );

  const failing = await cluster.run('failFast', 'failFast', input);
  const seen = cluster.seen('failFast');
  const failure = seen.find((each) => each.is === 'end' && each.path === 'broken');
  const aborted = seen.find((each) => each.is === 'signal' && each.path === 'endless');
  assert.deepEqual([failing.status, statusOf(failing, 'endless')], ['failed', 'cancelled']);
  say(
    'fail-fast',
    `the other stage aborted ${aborted.at - failure.at} ms after the failure; ${failing.status}, order ${failing.order.join(' ')}`,
  );
}

async function values(cluster) {
  const odd = await cluster.run('odd', 'odd', input);
  assert.equal(odd.outputs.oddType, 'true 2 undefined,NaN true');
  say('Date, Map, undefined, NaN', `a reader gets: ${odd.outputs.oddType}`);
  const big = await cluster.run('bigint', 'bigint', input);
  assert.deepEqual(big.outputs, { bigType: 'bigint', where: 'string' });
  say('BigInt, a service', JSON.stringify(big.outputs));
  const bad = await cluster.run('unserialisable', 'unserialisable', input);
  assert.equal(bad.status, 'failed');
  say('a function in a value', bad.reason);
}

/** Medians over some runs, one at a time, after one to warm up. */
async function costs(cluster) {
  const median = async (name, pipeline, times, more = {}) => {
    const took = [];
    for (let at = 0; at <= times; at++) {
      const startedAt = performance.now();
      const run = await cluster.run(`${name}-${at}`, pipeline, more.input ?? input, more);
      assert.equal(run.status, 'completed');
      if (at > 0) took.push(performance.now() - startedAt);
    }
    return took.sort((a, b) => a - b)[times >> 1];
  };
  const one = await median('one', 'chain1', 20);
  const chain = await median('chain', 'chain20', 7);
  const twenty = await median('wide20', 'wide20', 7);
  const wide = await median('wide100', 'wide100', 5);
  const local1 = await median('local1', 'chain1', 20, { local: true });
  const local = await median('local', 'chain20', 7, { local: true });
  const bare = await median('bare', 'chain20', 7, { method: 'bare' });
  const bare1 = await median('bare1', 'chain1', 20, { method: 'bare' });
  const heavy = await median('heavy', 'chain20', 5, { input: { text: 'x'.repeat(100_000) } });
  const round = (ms) => ms.toFixed(1);
  say('one stage', `${round(one)} ms; as ctx.run in the handler ${round(local1)} ms`);
  say(
    'a stage more in a chain',
    `${round((chain - one) / 19)} ms; as a bare call ${round((bare - bare1) / 19)} ms; as ctx.run in the handler ${round((local - local1) / 19)} ms; with 100 kB through it ${round((heavy - one) / 19)} ms`,
  );
  say('wide', `20 stages ${round(twenty)} ms, 100 stages ${round(wide)} ms`);
  const long = await median('long', 'chain200', 1);
  say('a stage more, of 200', `${round((long - one) / 199)} ms`);
  const { rows: counted } = await cluster.query(
    "select i.target_service_key as run, count(*) as entries, sum(length(j.entry_json)) as bytes from sys_journal j join sys_invocation i on i.id = j.id where i.target_service_key in ('chain-1', 'wide100-1', 'local-1') group by i.target_service_key",
  );
  say('journal of a run', JSON.stringify(counted));
  const widest = await Promise.race([
    cluster.run('widest', 'wide1200', input).then(
      (run) => run.status,
      (error) => error.message,
    ),
    sleep(15_000, 'not ended after 15 s'),
  ]);
  const { rows: failure } = await cluster.query("select status, last_failure from sys_invocation where target_service_key = 'widest'");
  say('1,200 stages at once', `${widest} ${JSON.stringify(failure).slice(0, 200)}`);
  const load = performance.now();
  await Promise.all(Array.from({ length: 60 }, (_, at) => cluster.run(`load-${at}`, 'diamond', input)));
  say('60 diamonds at once', `${round(performance.now() - load)} ms, ${round(60_000 / (performance.now() - load))} runs/s`);
}

/** Suspends the walk whenever it waits, so that each end replays it from the start. */
async function replays() {
  const cluster = await startCluster({ workers: ['w1', 'w2'], env: { INACTIVITY_MS: '0' } });
  try {
    for (const [runId, pipeline] of [
      ['map', 'map'],
      ['wide', 'wide100'],
      ['diamond', 'diamond'],
      ['retry', 'retry'],
    ]) {
      const run = await cluster.run(runId, pipeline, input);
      const all = decisions(cluster, runId);
      let differing = 0;
      for (const pass of all) if (JSON.stringify(pass) !== JSON.stringify(run.order.slice(0, pass.length))) differing++;
      const calls = starts(cluster, runId).length;
      say(`replayed always: ${pipeline}`, `${all.length} passes, ${differing} with another order, ${calls} calls, ${run.status}`);
      assert.equal(differing, 0);
    }
  } finally {
    await cluster.stop();
  }
}

/** A worker with other code takes over in the middle of a run; then one with the code that began it. */
async function changedPlan() {
  // Refused connections count as tries.
  const cluster = await startCluster({ workers: ['w1'], env: { QUIET: '1', STEP_TRIES: '20' } });
  try {
    const ended = cluster.run('changed', 'kill', input);
    await cluster.observed('changed', (each) => each.is === 'decision' && each.key === 'beside#1');
    process.env['CHANGED'] = '1';
    await cluster.killWorker('w1');
    await cluster.startWorker('w2');
    delete process.env['CHANGED'];
    await sleep(3_000);
    const sql = "select status, retry_count, last_failure from sys_invocation where target_service_key = 'changed'";
    const { rows: found } = await cluster.query(sql);
    const { status, retry_count: retries, last_failure: why } = found.find((each) => each.last_failure !== undefined) ?? {};
    assert.match(String(why), /begun with another version/);
    say('other plan takes over', `after 3 s ${status}, ${retries} retries: ${String(why).replaceAll('\n', ' ').slice(0, 110)}`);
    await cluster.killWorker('w2');
    await cluster.startWorker('w3');
    const backAt = Date.now();
    const run = await ended;
    assert.deepEqual([run.status, run.outputs.after], ['completed', 'hello!hello?']);
    assert.equal(starts(cluster, 'changed', 'beside').length, 1);
    say('the first plan is back', `completed after ${Date.now() - backAt} ms, nothing finished ran again`);
  } finally {
    await cluster.stop();
  }
}

/** A stage that takes its worker with it, each time. */
async function poison() {
  const cluster = await startCluster({ workers: ['w1'], env: { QUIET: '1' } });
  try {
    const run = await cluster.supervise('w1', cluster.run('poison', 'poison', input));
    assert.equal(run.status, 'failed');
    assert.ok(starts(cluster, 'poison').length > 1);
    const [first, last] = [starts(cluster, 'poison')[0], starts(cluster, 'poison').at(-1)];
    say(
      'stage kills its worker',
      `called ${starts(cluster, 'poison').length} times in ${last.at - first.at} ms, each as attempt ${last.attempt}, then ${run.status}: ${String(run.reason).slice(0, 120)}`,
    );
  } finally {
    await cluster.stop();
  }
}

process.once('SIGTERM', () => process.exit(1));
const cluster = await startCluster({ workers: ['w1', 'w2'] });
try {
  say('server ready', `${Math.round(cluster.server.readyMs)} ms`);
  await diamond(cluster);
  await map(cluster);
  await retry(cluster);
  await approval(cluster);
  for (const each of kills) for (const which of ['stage', 'walking']) await kill(cluster, which, each);
  await cancelling(cluster);
  await values(cluster);
  await costs(cluster);
} finally {
  await cluster.stop();
}
await replays();
await changedPlan();
await poison();
console.log(`\n${rows.length} observations`);
