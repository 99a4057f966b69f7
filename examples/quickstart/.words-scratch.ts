import {
  block,
  cancel,
  createRuntime,
  firstOf,
  guard,
  inputs,
  optional,
  pass,
  pipeline,
  type RunEvent,
  review,
  settled,
  skip,
  stage,
} from '@stageflow/core';
import { definePipeline } from '@stageflow/core/define';

process.on('unhandledRejection', (e) => console.log('  UNHANDLED', String(e)));
const t = async (name: string, body: () => unknown) => {
  console.log('##', name);
  try {
    console.log('  ', await Promise.race([body(), new Promise((r) => setTimeout(() => r('HANGS'), 1500))]));
  } catch (e) {
    console.log('   threw', String(e));
  }
};
const { text } = inputs<{ text: string }>();
const a = stage('a', { needs: { text }, run: ({ text }) => text + '!' });
const one = pipeline('one', { outputs: { a } });

await t('aborted signal before start', async () => {
  const seen: string[] = [];
  const r = await one.run(
    { text: 'x' },
    { signal: AbortSignal.abort('no'), deadlineMs: 5000, sinks: [{ name: 's', emit: (e) => void seen.push(`${e.seq}:${e.type}`) }] },
  );
  return [r.status, r.elapsedMs, seen];
});
await t('start then cancel at once, sync stages', async () => {
  const rt = createRuntime({ pipelines: [one] });
  const h = rt.start(one, { text: 'x' });
  h.cancel('stop');
  return (await h.result).status;
});
await t('data guard with onFailure skip blocks', async () => {
  const p = definePipeline({
    name: 'd',
    stages: [
      { name: 'g', kind: 'guard', subject: { input: 'text' }, onFailure: 'skip', run: () => block('no') as never },
      { name: 'x', needs: { g: 'g' }, run: () => 1 },
    ],
    outputs: { x: 'x' },
  });
  const r = await p.run({ text: 'a' });
  return [r.status, r.outputs, [...r.stages.values()].map((s) => [s.stage, s.status])];
});
const schema = (validate: (v: unknown) => any) => ({ '~standard': { version: 1 as const, vendor: 'x', validate } });
await t('output schema that throws, sync stage', async () => {
  const s = stage('s', {
    output: schema(() => {
      throw new Error('boom');
    }),
    run: () => 1,
  });
  const r = await pipeline('p', { outputs: { s } }).run({});
  return r.status;
});
await t('output schema that throws, async stage', async () => {
  const s = stage('s', {
    output: schema(() => {
      throw new Error('boom');
    }),
    run: async () => 1,
  });
  const r = await pipeline('p', { outputs: { s } }).run({});
  return r.status;
});
await t('input schemas: async invalid + sync invalid', async () => {
  const i = inputs({
    x: schema(async () => ({ issues: [{ message: 'async bad' }] })),
    y: schema(() => ({ issues: [{ message: 'sync bad' }] })),
  });
  const s = stage('s', { needs: { x: i.x, y: i.y }, run: () => 1 });
  const p = pipeline('p', { outputs: { s } }).run({ x: 1, y: 1 } as never);
  try {
    await p;
  } catch (e) {
    console.log('  rejected', String(e));
  }
  await new Promise((r) => setTimeout(r, 20));
});
await t('budget only, blocking', async () => {
  const s = stage('s', {
    budgetMs: 20,
    run: () => {
      const e = performance.now() + 80;
      while (performance.now() < e);
      return 1;
    },
  });
  return (await pipeline('p', { outputs: { s } }).run({})).status;
});
await t('deadline, blocking', async () => {
  const s = stage('s', {
    run: () => {
      const e = performance.now() + 80;
      while (performance.now() < e);
      return 1;
    },
  });
  return (await pipeline('p', { outputs: { s } }).run({}, { deadlineMs: 20 })).status;
});
await t('createRuntime with bad option', () => {
  createRuntime({ pipelines: [one], maxConcurrency: 0 });
  return 'accepted';
});
await t('createRuntime with bad sink capacity', () => {
  createRuntime({ pipelines: [one], sinks: [{ sink: { name: 's', emit() {} }, capacity: 0 }] });
  return 'accepted';
});
await t('queued for second attempt at stop', async () => {
  let n = 0;
  const c = new AbortController();
  const f = stage('f', {
    retry: { attempts: 3, baseMs: 0, jitter: 'none' },
    run: async () => {
      n++;
      throw new Error('x');
    },
  });
  const g = stage('g', { run: (_, { signal }) => new Promise((_, r) => signal.addEventListener('abort', () => r(signal.reason))) });
  const p = pipeline('p', { outputs: { f, g }, maxConcurrency: 1 });
  setTimeout(() => c.abort('enough'), 50);
  const r = await p.run({}, { signal: c.signal });
  return [r.status, n, r.unsettled, [...r.stages.values()].map((s) => [s.stage, s.status, s.unsettled])];
});
await t('failed_open dropped', async () => {
  const g = guard('g', {
    subject: text,
    failOpen: true,
    check: () => {
      throw new Error('x');
    },
  });
  const more = Array.from({ length: 20 }, (_, i) => stage('m' + i, { needs: { g }, run: () => i }));
  const p = pipeline('p', { outputs: Object.fromEntries(more.map((m) => [m.name, m])) });
  const seen: string[] = [];
  const sink = {
    name: 's',
    emit: (e: RunEvent) => {
      seen.push(e.type);
      return new Promise<void>((r) => setTimeout(r, 1));
    },
  };
  const rt = createRuntime({ pipelines: [p], sinks: [{ sink, capacity: 2 }] });
  await rt.run(p, { text: 'a' });
  await rt.close();
  return [seen, rt.sinks];
});
await t('registered with.configure', async () => {
  const rt = createRuntime({ pipelines: [one] });
  try {
    await rt.run(one.configure({ a: { timeoutMs: 10 } }), { text: 'x' });
  } catch (e: any) {
    return [e.message, e.hint];
  }
});
await t('runtime policy vs pipeline policy', async () => {
  const b = stage('b', {
    run: () => {
      throw new Error('x');
    },
  });
  const p = pipeline('p', { outputs: { a, b }, failureMode: 'continue' });
  const rt = createRuntime({ pipelines: [p], failureMode: 'fail-fast' });
  const r = await rt.run(p, { text: 'x' });
  return r.stages.get('a')?.status;
});
await t('timings off: attempts of a stage that skipped itself', async () => {
  const s = stage('s', { run: () => skip('no') });
  const r = await pipeline('p', { outputs: { s } }).run({}, { timings: false });
  return r.stages.get('s')?.attempts;
});
await t('JSON of a run', async () => JSON.stringify(await one.run({ text: 'x' })));
await t('sync sink saw all when run() resolves', async () => {
  const seen: string[] = [];
  const p = one.run({ text: 'x' }, { sinks: [{ name: 's', emit: (e) => void seen.push(e.type) }] });
  const before = seen.length;
  await p;
  return [before, seen];
});
await t('retry wait past abort etc: settled reader of failed under fail-fast', async () => {
  const b = stage('b', {
    run: () => {
      throw new Error('x');
    },
  });
  const r = stage('r', { needs: { b: settled(b) }, run: ({ b }) => b.status });
  const res = await pipeline('p', { outputs: { r } }).run({});
  return [res.status, res.outputs, res.errors.length];
});
await t('thenable schema (not Promise)', async () => {
  const s = stage('s', { output: schema(() => ({ then: (r: any) => r({ value: 2 }) })), run: () => 1 });
  const r = await pipeline('p', { outputs: { s } }).run({});
  return [r.status, r.outputs];
});
await t('throwing onAbort in cancel twice', async () => {
  const c = stage('c', { run: () => cancel('enough') });
  const r = await pipeline('p', { outputs: { a, c } }).run({ text: 'q' });
  return [r.status, r.outputs, (r as any).reason];
});
process.exit(0);
