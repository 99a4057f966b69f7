import { pipeline, type RunEvent, retryLater, stage } from '@stageflow/core';
import { describe, expect, test } from 'vitest';
import { plainLine } from './plain-progress.ts';
import { ProgressBoard } from './stage-progress.ts';

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
});
