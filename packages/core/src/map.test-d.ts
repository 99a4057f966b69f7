import {
  type Input,
  type ItemOutcome,
  inputs,
  type Local,
  map,
  pipeline,
  type Region,
  type SkipsOf,
  type Stage,
  services,
  skip,
  stage,
} from '@stageflow/core';
import { describe, expectTypeOf, test } from 'vitest';

const { numbers, rate, text } = inputs<{ numbers: readonly number[]; rate: number; text: string }>();
type Numbers = Input<'numbers', readonly number[], readonly number[]>;
type Rate = Input<'rate', number, number>;

describe('map()', () => {
  test('gives its body the items of its source, and yields a list of what that yields', () => {
    const it = map('it', numbers, (item, index) => {
      expectTypeOf(item).toEqualTypeOf<Local<'it', number>>();
      expectTypeOf(index).toEqualTypeOf<Local<'it', number>>();
      return stage('each', { needs: { item }, run: ({ item }) => `${item}` });
    });
    expectTypeOf(it).toEqualTypeOf<Region<readonly string[], Numbers, never>>();
  });

  test('takes its locals out of what it demands, and leaves what else its body reads', () => {
    const it = map('it', numbers, (item) => stage('each', { needs: { item, rate }, run: ({ item, rate }) => item * rate }));
    expectTypeOf(it).toEqualTypeOf<Region<readonly number[], Numbers | Rate, never>>();
    const made = pipeline('p', { outputs: { it } });
    expectTypeOf<Parameters<typeof made.run>[0]>().toEqualTypeOf<{ readonly numbers: readonly number[]; readonly rate: number }>();
  });

  test('demands the services its body reads', () => {
    const { model } = services<{ model: { ask(): string } }>();
    const it = map('it', numbers, (item) => stage('each', { needs: { item, model }, run: ({ model }) => model.ask() }));
    const made = pipeline('p', { outputs: { it } });
    // @ts-expect-error the service is missing
    void made.run({ numbers: [] });
    void made.run({ numbers: [] }, { services: { model: { ask: () => '' } } });
  });

  test('leaves the locals of an outer map to that', () => {
    const { lists } = inputs<{ lists: readonly (readonly string[])[] }>();
    const outer = map('outer', lists, (list) => {
      const inner = map('inner', list, (word) =>
        stage('each', { needs: { word, list }, run: ({ word, list }) => word.length * list.length }),
      );
      type Lists = Local<'outer'>;
      expectTypeOf(inner).toEqualTypeOf<Region<readonly number[], Lists, never>>();
      return inner;
    });
    expectTypeOf(outer).toEqualTypeOf<
      Region<readonly (readonly number[])[], Input<'lists', readonly (readonly string[])[], readonly (readonly string[])[]>, never>
    >();
  });

  test('yields by its policy for failing items', () => {
    const each = (item: Local<'it', number>) => stage('each', { needs: { item }, run: ({ item }) => `${item}` });
    expectTypeOf(map('it', numbers, each, { onItemError: 'fail' })).toExtend<Stage<readonly string[]>>();
    expectTypeOf(map('it', numbers, each, { onItemError: 'skip' })).toExtend<Stage<readonly string[]>>();
    const collected = map('it', numbers, each, { onItemError: 'collect' });
    expectTypeOf(collected).toEqualTypeOf<Region<readonly ItemOutcome<string>[], Numbers, never>>();
    stage('reader', {
      needs: { collected },
      run: ({ collected: [first] }) => {
        if (first?.status === 'completed') expectTypeOf(first.output).toEqualTypeOf<string>();
      },
    });
  });

  test('may skip where its items may, not where an item may: that is left out', () => {
    const some = stage('some', { needs: { numbers }, run: ({ numbers }) => (numbers.length > 0 ? numbers : skip('none')) });
    const it = map('it', some, (item) => stage('each', { needs: { item }, run: ({ item }) => item }));
    expectTypeOf<SkipsOf<typeof it>>().toEqualTypeOf<'may skip'>();
    const choosy = map('it', numbers, (item) => stage('each', { needs: { item }, run: ({ item }) => (item > 0 ? item : skip('none')) }));
    expectTypeOf(choosy).toEqualTypeOf<Region<readonly number[], Numbers, never>>();
  });

  test('types the key by the item', () => {
    const { orders } = inputs<{ orders: { id: string }[] }>();
    const each = (order: Local<'it', { id: string }>) => stage('each', { needs: { order }, run: ({ order }) => order.id });
    map('it', orders, each, { key: (order, index) => `${order.id}${index.toFixed()}` });
    // @ts-expect-error there is no such member
    map('it', orders, each, { key: (order) => order.name });
    // @ts-expect-error a key is a string or a number
    map('it', orders, each, { key: (order) => ({ order }) });
  });

  test('refuses what cannot be gone through, a body that yields no stage, and an unknown policy', () => {
    // @ts-expect-error a number has no items
    map('it', rate, (item) => stage('each', { needs: { item }, run: () => 1 }));
    // @ts-expect-error the item is no stage
    map('it', numbers, (item) => item);
    // @ts-expect-error there is no such policy
    map('it', numbers, (item) => stage('each', { needs: { item }, run: () => 1 }), { onItemError: 'ignore' });
  });

  test('a local that is read outside is left in what the pipeline demands, so that no input satisfies it', () => {
    let escaped: Local<'it', number> | undefined;
    map('it', numbers, (item) => {
      escaped = item;
      return stage('each', { needs: { item }, run: () => 1 });
    });
    const outside = stage('outside', { needs: { item: escaped as unknown as Local<'it', number>, text }, run: ({ item }) => item });
    expectTypeOf(outside['~types'].in).toEqualTypeOf<Local<'it'> | Input<'text', string, string>>();
  });
});
