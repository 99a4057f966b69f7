import { inputs, map, pipeline, type RunEvent, retryLater, stage } from '@stageflow/core';
import { describe, expect, test } from 'vitest';
import { plainLine } from './plain-progress.ts';
import { type CountedMap, itemsEnded, ProgressBoard } from './stage-progress.ts';

describe('ProgressBoard', () => {
  test('follows a stage from waiting to its end', async () => {
    const work = stage('work', {
      retry: { attempts: 2, baseMs: 0 },
      run: async (_, context) => {
        context.progress(0.5, 'half\u001B[2J');
        return context.attempt === 1 ? retryLater(new Error('busy')) : 1;
      },
    });
    const broken = stage('broken', {
      after: [work],
      run: () => {
        throw new Error('out of paper');
      },
    });
    const board = new ProgressBoard(['work', 'broken']);
    const seen: string[] = [];
    const emit = (event: RunEvent): void => {
      const changed = board.take(event);
      if (changed !== undefined) seen.push(`${changed.stage} ${changed.status} ${changed.fraction} ${changed.message}`);
    };
    await pipeline('p', { outputs: { work, broken } }).run({}, { sinks: [{ name: 'board', emit }] });
    expect(seen).toEqual([
      'work running 0 ',
      'work running 0.5 half\u001B[2J',
      expect.stringMatching(/^work running 0.5 trying again: .*busy/),
      'work running 0.5 half\u001B[2J',
      'work completed 1 half\u001B[2J',
      'broken running 0 ',
      expect.stringMatching(/^broken failed 0 .*out of paper/),
    ]);
    expect(board.stages.map(plainLine)).toEqual([
      expect.stringMatching(/^work +completed +\S+ ms {2}half\\u\{1b\}\[2J$/),
      expect.stringMatching(/^broken +failed .*out of paper\.$/),
    ]);
  });

  test('has nothing to print about a stage that has not ended', () => {
    expect(new ProgressBoard(['a']).stages.map(plainLine)).toEqual([undefined]);
  });

  describe('with a map', () => {
    const counted: CountedMap = { name: 'each', noun: 'item', last: 'last' };
    const { items } = inputs<{ items: readonly string[] }>();
    const each = map(
      'each',
      items,
      (item) => {
        const first = stage('first', {
          needs: { item },
          run: ({ item }) => {
            if (item === 'bad') throw new Error('no');
            return item;
          },
        });
        return stage('last', { needs: { first }, run: ({ first }) => first });
      },
      { key: (item) => item, onItemError: 'collect' },
    );
    const mapped = pipeline('mapped', { outputs: { each } });
    /** The messages of the map's line while it runs. */
    const messages = async (board: ProgressBoard, epoch = 1): Promise<string[]> => {
      const seen: string[] = [];
      const emit = (event: RunEvent): void => {
        const changed = board.take({ ...event, epoch });
        if (changed !== undefined) seen.push(`${changed.stage} ${changed.status} ${changed.message}`);
      };
      await mapped.run({ items: ['a', 'bad', 'c'] }, { sinks: [{ name: 'board', emit }], interceptors: [board.interceptor] });
      return seen;
    };

    test('counts its items in one line', async () => {
      const seen = await messages(new ProgressBoard(['each'], counted));
      expect(seen.at(0)).toBe('each running 0 of 3 items');
      expect(seen.at(-1)).toBe('each completed 3 of 3 items, 1 failed');
      expect(seen).toHaveLength(5);
    });

    test('begins with the items that had ended where the run is continued, each counted once', async () => {
      const before = new Map([
        ['each[a]/first', 'completed'],
        ['each[a]/last', 'completed'],
        ['each[bad]/first', 'failed'],
        ['each[c]/first', 'completed'],
      ] as const);
      expect(itemsEnded(before, counted)).toBe(2);
      const seen = await messages(new ProgressBoard(['each'], counted, before), 2);
      expect(seen.at(0)).toBe('each running 2 of 3 items, 1 failed');
      expect(seen.at(-1)).toBe('each completed 3 of 3 items, 1 failed');
      expect(await messages(new ProgressBoard(['each'], counted, before))).toContain('each running 0 of 3 items');
    });
  });
});
