// Runs in which everything happens that a sink can be told of, under one virtual clock.
import {
  block,
  cached,
  createRuntime,
  defineEvent,
  guard,
  guarded,
  type Interceptor,
  inputs,
  memoryRunStore,
  pass,
  pipeline,
  type Schema,
  type SinkEntry,
  settled,
  skip,
  stage,
  streamed,
  suspend,
  work,
} from '@stageflow/core';
import { seededRandom, type VirtualClock, virtualClock } from '@stageflow/testing';

const anything: Schema<unknown, unknown> = { '~standard': { version: 1, vendor: 'test', validate: (value) => ({ value }) } };
const priced = defineEvent('cart.priced', anything);
const { text } = inputs<{ text: string }>();

/** The pipelines of these runs, made for one clock. */
function pipelinesOn(clock: VirtualClock) {
  const profile = stage('profile', { kind: 'enrich', tags: ['memo'], run: () => 'Ada' });
  const search = stage('search', {
    needs: { text },
    retry: { attempts: 3, baseMs: 50, jitter: 'none' },
    run: async (_, { attempt, progress }) => {
      await clock.sleep(120);
      progress(0.5, 'two of four shelves');
      if (attempt === 1) throw Object.assign(new Error('connect ECONNREFUSED 127.0.0.1:5432'), { code: 'ECONNREFUSED' });
      return ['a', 'b'];
    },
  });
  const translate = stage('翻訳', {
    needs: { text },
    run: () => skip('the text is in 日本語 already, and so nothing of it has to be translated 👩‍👩‍👧‍👦'),
  });
  const words = stage('words', {
    streams: { publish: true },
    async *run() {
      for (const word of ['one', 'two', 'three', 'four']) yield word;
      await clock.sleep(10);
    },
  });
  const speech = stage('speech', {
    needs: { words: streamed(words, { capacity: 2, overflow: 'drop-oldest' }) },
    run: async ({ words }) => {
      let said = '';
      await clock.sleep(5);
      for await (const word of words) said += word;
      return said;
    },
  });
  const reply = guarded('reply', (feedback) => {
    const draft = stage('draft', { needs: { feedback }, run: ({ feedback }) => (feedback === undefined ? 'Go away' : 'Please') });
    return guard('tone', { subject: draft, check: ({ subject }) => (subject === 'Please' ? pass() : block('impolite')) });
  });
  const policy = guard('policy', {
    subject: search,
    failOpen: true,
    check: () => {
      throw new Error('the policy service is down');
    },
  });
  const optionalPrices = stage('prices', {
    onFailure: 'skip',
    run: (_, { emit, defer }) => {
      emit(priced, { total: 12 });
      defer(() => {
        throw new Error('the connection was gone');
      });
      throw new Error('no prices today\u001b[2J\r\nroot: everything is fine');
    },
  });
  const answer = stage('answer', { needs: { policy, reply, speech: settled(speech) }, run: () => clock.sleep(1500).then(() => 'ok') });
  const chat = pipeline('chat', { outputs: { answer, profile }, also: { translate, optionalPrices } });

  const stubborn = stage('stubborn', { timeoutMs: 100, graceMs: 20, run: () => clock.sleep(400) });
  const slow = stage('slow', { run: () => clock.sleep(1_000) });
  const mayFail = stage('a-stage-with-a-name-that-is-really-quite-long-for-a-terminal', {
    needs: { stubborn: settled(stubborn) },
    run: ({ stubborn }) => stubborn.status,
  });
  const patient = pipeline('patient', { outputs: { slow, mayFail }, failureMode: 'continue' });

  const broken = stage('broken', {
    retry: { attempts: 2, baseMs: 10, jitter: 'none' },
    timeoutMs: 50,
    run: (_, { signal }) => clock.sleep(80, signal),
  });
  const behind = stage('behind', { needs: { broken }, run: () => 1 });
  const failing = pipeline('failing', { outputs: { behind, slow } });

  const wary = guard('wary', { subject: text, check: () => block('the text asks for a secret') });
  const blocking = pipeline('blocking', { outputs: { wary, slow } });
  const never = guarded(
    'never',
    (feedback) => {
      const draft = stage('draft', { needs: { feedback }, run: () => 'same' });
      return guard('strict', { subject: draft, check: () => block('not good enough') });
    },
    { attempts: 2 },
  );
  const exhausted = pipeline('exhausted', { outputs: { never: settled(never) } });
  const side = stage('side', {
    run: () => {
      throw new Error('only a side show');
    },
  });
  const degraded = pipeline('degraded', { outputs: { profile }, also: { side }, failureMode: 'best-effort' });
  let refunds = 0;
  const charge = work('charge', {
    run: () => 'paid',
    undo: {
      retry: { attempts: 3, baseMs: 10, jitter: 'none' },
      run: () => (++refunds === 1 ? Promise.reject(new Error('the bank is busy')) : undefined),
    },
  });
  const mail = work('mail', {
    timeoutMs: 5,
    graceMs: 5,
    needs: { charge },
    run: () => clock.sleep(100),
    undo: { retry: { attempts: 1 }, run: () => Promise.reject(new Error('mails cannot be taken back')) },
  });
  const undoing = pipeline('undoing', { outputs: { mail } });
  const ask = stage('ask', { run: (_, { answer }) => answer(anything) ?? suspend('Send it?') });
  const asking = pipeline('asking', { outputs: { ask } });
  const busy = pipeline('busy', { outputs: { ask, slow } });
  const idle = pipeline('idle', { outputs: { slow } });
  return { chat, patient, failing, blocking, exhausted, degraded, asking, busy, idle, undoing };
}

const memo: Interceptor = { name: 'memo', only: { tags: ['memo'] }, stage: async () => cached('Ada') };

/** Runs everything, one run after the other, and closes. */
export async function runEverything(sinks: readonly SinkEntry[], clock: VirtualClock = virtualClock()): Promise<void> {
  const p = pipelinesOn(clock);
  let made = 0;
  const runtime = createRuntime({
    pipelines: Object.values(p),
    sinks,
    interceptors: [memo],
    store: memoryRunStore(),
    clock,
    random: seededRandom(1),
    makeId: () => `0190f3b2-0000-7000-8000-00000000${String(++made).padStart(4, '0')}`,
  });
  await clock.settle(runtime.run(p.chat, { text: 'hi' }, { tenantId: 'acme' }));
  await clock.settle(runtime.run(p.patient, {}));
  await clock.settle(runtime.run(p.failing, {}));
  await clock.settle(runtime.run(p.blocking, { text: 'hi' }));
  await clock.settle(runtime.run(p.exhausted, {}));
  await clock.settle(runtime.run(p.degraded, {}));
  const handle = runtime.start(p.idle, {});
  await clock.advance(250);
  handle.cancel('the user has left');
  await clock.settle(handle.result);
  const paused = runtime.start(p.idle, {});
  await paused.pause();
  await clock.advance(20);
  await paused.resume();
  await clock.settle(paused.result);
  await clock.settle(runtime.run(p.undoing, {}));
  const { runId } = await clock.settle(runtime.run(p.asking, {}));
  const [wait] = await runtime.waits({ runId });
  await runtime.decide(wait?.waitId ?? '', { approved: true });
  await clock.advance(90_000);
  await clock.settle(runtime.resume(runId));
  const asked = runtime.start(p.busy, {});
  await clock.advance(100);
  const [open] = await runtime.waits({ runId: asked.runId });
  await runtime.decide(open?.waitId ?? '', { approved: false });
  await clock.settle(asked.result);
  await clock.settle(runtime.close());
}
