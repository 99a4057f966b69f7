import { inputs, pipeline, type RunOptions, type StageflowError, services, stage } from '@stageflow/core';
import { virtualClock } from '@stageflow/testing';
import { describe, expect, test } from 'vitest';
import { immutability } from './immutability.ts';

interface Order {
  readonly id: string;
  readonly tags: string[];
  readonly prices: Map<string, number>;
}

const { order } = inputs<{ order: Order }>();
const anOrder = (): Order => ({ id: '7', tags: ['new'], prices: new Map([['tea', 3]]) });

/** One run of a stage that does something to its order. */
function run(touch: (order: Order) => unknown, options: RunOptions = { interceptors: [immutability()] }) {
  const look = stage('look', { needs: { order }, run: ({ order }) => touch(order) });
  return pipeline('shop', { outputs: { look } }).run({ order: anOrder() }, options);
}

describe('a stage that changes what it was given', () => {
  test.each<[string, (order: Order) => unknown, string, string]>([
    ['a list', ({ tags }) => tags.push('old'), 'order.tags[1]', 'added'],
    ['a member', (order) => Object.assign(order, { id: '8' }), 'order.id', 'changed'],
    ['less of it', (order) => Reflect.deleteProperty(order, 'id'), 'order.id', 'removed'],
    ['a map', ({ prices }) => prices.set('tea', 4), 'order.prices.tea', 'changed'],
  ])('fails: %s', async (_, touch, property, change) => {
    const ended = await run(touch);
    const details = { stage: 'look', property, change, when: 'while it ran', alongside: [] };
    expect(ended).toMatchObject({ status: 'failed', error: { code: 'SF_VALUE_MUTATED', details, path: 'look' } });
    expect((await run(touch, {})).status).toBe('completed');
  });

  test('does not, where it changes nothing', async () => {
    expect((await run(({ tags }) => [...tags, 'old'])).status).toBe('completed');
  });

  test('is told of, and the run goes on, where that is asked: each change once', async () => {
    const told: StageflowError[] = [];
    const options = { interceptors: [immutability({ onViolation: (error) => told.push(error) })] };
    expect((await run(({ tags }) => tags.push('old'), options)).status).toBe('completed');
    expect(told.map(({ message }) => message)).toEqual(['"order.tags[1]" of "look" was added while it ran.']);
  });
});

test('sets, dates, bytes, symbols and keys that are objects are watched; getters are not called', async () => {
  const mark = Symbol('mark');
  const key = { name: 'k' };
  const made = () => ({
    set: new Set([1]),
    date: new Date(5),
    bytes: new Uint8Array(4),
    keyed: new Map([[key, 1]]),
    [mark]: 1,
    get not(): never {
      throw new Error('called');
    },
  });
  const changes: [(value: ReturnType<typeof made>) => unknown, string][] = [
    [({ set }) => set.add(2), 'value.set<2>'],
    [({ date }) => date.setTime(6), 'value.date.time'],
    [({ bytes }) => bytes.fill(7), 'value.bytes.bytes'],
    [({ keyed }) => keyed.set(key, 2), 'value.keyed<an object>'],
    [() => Object.assign(key, { name: 'other' }), 'value.keyed<key>.name'],
    [(value) => Object.assign(value, { [mark]: 2 }), 'value[Symbol(mark)]'],
  ];
  const { value } = inputs<{ value: ReturnType<typeof made> }>();
  for (const [change, property] of changes) {
    const look = stage('look', { needs: { value }, run: ({ value }) => void change(value) });
    const ended = await pipeline('p', { outputs: { look } }).run({ value: made() }, { interceptors: [immutability()] });
    expect(ended).toMatchObject({ error: { details: { property } } });
  }
});

test('a change is told with the stages that ran beside', async () => {
  const clock = virtualClock();
  const quick = stage('quick', { needs: { order }, run: () => clock.sleep(10) });
  const culprit = stage('culprit', { needs: { order }, run: ({ order }) => clock.sleep(20 - order.tags.push('x')) });
  const p = pipeline('p', { outputs: { quick, culprit } });
  const ended = await clock.settle(p.run({ order: anOrder() }, { clock, interceptors: [immutability()] }));
  expect(ended).toMatchObject({ error: { code: 'SF_VALUE_MUTATED', details: { stage: 'quick', alongside: ['culprit'] } } });
});

describe('a stage that changes what it has yielded', () => {
  const late = (afterMs: number, waitMs: number) => {
    const clock = virtualClock();
    const load = stage('load', {
      run: () => {
        const made = { rows: new Map([['a', 1]]) };
        void clock.sleep(afterMs).then(() => made.rows.set('b', 2));
        return made;
      },
    });
    const wait = stage('wait', { needs: { load }, run: () => clock.sleep(waitMs) });
    const read = stage('read', { needs: { load }, after: [wait], run: ({ load }) => load.rows.size });
    const told: StageflowError[] = [];
    const go = (onViolation: 'fail' | ((error: StageflowError) => void)) =>
      clock.settle(pipeline('p', { outputs: { read } }).run({}, { clock, interceptors: [immutability({ onViolation })] }));
    return { go, told, clock };
  };

  test('fails whoever ran meanwhile', async () => {
    expect(await late(5, 20).go('fail')).toMatchObject({
      error: { details: { stage: 'wait', property: 'load.rows.b', when: 'while it ran' } },
    });
  });

  test('fails whoever is about to read it', async () => {
    const clock = virtualClock();
    let made: Map<string, number> | undefined;
    const load = stage('load', {
      run: () => {
        made = new Map();
        return made;
      },
    });
    const other = stage('other', { run: () => clock.sleep(10).then(() => made?.set('b', 2) && 1) });
    const read = stage('read', { needs: { load, other }, run: ({ load }) => load.size });
    const ended = await clock.settle(pipeline('p', { outputs: { read } }).run({}, { clock, interceptors: [immutability()] }));
    expect(ended).toMatchObject({ error: { details: { stage: 'read', property: 'load.b', when: 'before it ran' } } });
    expect(ended.stages.get('read')?.status).toBe('failed');
  });

  test('fails the run, where nobody reads it any more', async () => {
    const clock = virtualClock();
    const made = new Map<string, number>();
    const load = stage('load', { run: () => made });
    const other = stage('other', { after: [load], run: () => void made.set('b', 2) });
    const p = pipeline('p', { outputs: { load, other } });
    const ended = await clock.settle(p.run({}, { clock, interceptors: [immutability()] }));
    expect(ended).toMatchObject({
      status: 'failed',
      error: { code: 'SF_VALUE_MUTATED', details: { stage: 'load', property: 'output.b', when: 'after it had yielded it' } },
    });
  });

  test('leaves a run as it has ended, where it did not complete', async () => {
    const made = new Map<string, number>();
    const load = stage('load', { run: () => made });
    const other = stage('other', { after: [load], run: () => Promise.reject(new Error(String(made.set('b', 2)))) });
    const p = pipeline('p', { outputs: { load, other } });
    expect(await p.run({}, { interceptors: [immutability()] })).toMatchObject({ status: 'failed', error: { code: 'SF_STAGE_FAILED' } });
    const told: string[] = [];
    await p.run({}, { interceptors: [immutability({ onViolation: ({ code }) => told.push(code) })] });
    expect(told).toEqual([]);
  });
});

test('services, instances of classes and what refuses to be looked at are left alone', async () => {
  class Counter {
    count = 0;
  }
  const { cache, hostile } = services<{ cache: Map<string, number>; hostile: object }>();
  const { counter, odd } = inputs<{ counter: Counter; odd: object }>();
  const refuse = (): never => {
    throw new Error('no');
  };
  const refusing = new Proxy({}, { ownKeys: refuse });
  const use = stage('use', { needs: { cache, hostile, counter, odd }, run: ({ cache, counter }) => cache.set('a', ++counter.count).size });
  const ended = await pipeline('p', { outputs: { use } }).run(
    { counter: new Counter(), odd: refusing },
    { services: { cache: new Map(), hostile: refusing }, interceptors: [immutability()] },
  );
  expect(ended.status).toBe('completed');
});

test('two runs at once are told apart', async () => {
  const clock = virtualClock();
  const shared = anOrder();
  const look = stage('look', { needs: { order }, run: () => clock.sleep(10) });
  const p = pipeline('p', { outputs: { look } });
  const interceptors = [immutability()];
  await clock.settle(p.runOrThrow({ order: shared }, { clock, interceptors }));
  shared.tags.push('between two runs');
  expect((await clock.settle(p.run({ order: shared }, { clock, interceptors }))).status).toBe('completed');
});
