import { recordingSink, virtualClock } from '@stageflow/testing';
import { describe, expect, test } from 'vitest';
import { cancel } from '../control.ts';
import { block, guard } from '../guard.ts';
import { inputs } from '../inputs.ts';
import { pipeline } from '../pipeline.ts';
import type { Run } from '../run.ts';
import { stage } from '../stage.ts';
import type { StageContext } from '../stage-context.ts';
import type { RunOptions } from './start-run.ts';

async function run(
  act: (context: StageContext, story: string[], sleep: (ms: number) => Promise<void>) => unknown,
  options: RunOptions = {},
) {
  const clock = virtualClock();
  const story: string[] = [];
  const sink = recordingSink();
  const it = stage('it', { run: (_, context) => act(context, story, clock.sleep.bind(clock)) });
  const ended = await clock.settle(pipeline('p', { outputs: { it } }).run({}, { clock, sinks: [sink], ...options }) as Promise<Run>);
  return { ended, story, sink, clock };
}

describe('cleanups', () => {
  test('run last in first out, one at a time, when every stage has settled and before the last event', async () => {
    const { ended, story, sink } = await run(({ defer, progress }, story, sleep) => {
      for (const name of ['first', 'second']) {
        defer(async () => {
          story.push(`${name} begins`);
          await sleep(10);
          progress(1, name);
          story.push(`${name} ends`);
        });
      }
      story.push('stage ends');
    });
    expect(story).toEqual(['stage ends', 'second begins', 'second ends', 'first begins', 'first ends']);
    expect(ended).toMatchObject({ status: 'completed', elapsedMs: 20, cleanupErrors: [] });
    expect(sink.events.map(({ type }) => type).slice(-3)).toEqual(['stage.progressed', 'stage.progressed', 'run.completed']);
  });

  test('run what is registered meanwhile as well', async () => {
    const { story } = await run(({ defer }, story) => {
      defer(() => void story.push('outer, registered first'));
      defer(() => {
        story.push('outer');
        defer(() => void story.push('inner'));
      });
    });
    expect(story).toEqual(['outer', 'inner', 'outer, registered first']);
  });

  test.each<[string, (context: StageContext) => unknown, string]>([
    ['completes', () => 1, 'completed'],
    ['fails', () => Promise.reject(new Error('no')), 'failed'],
    ['cancels the run', () => cancel('enough'), 'cancelled'],
  ])('run where the stage %s', async (_, end, status) => {
    const { ended, story } = await run((context, story) => {
      context.defer(() => void story.push('cleaned'));
      return end(context);
    });
    expect([ended.status, story]).toEqual([status, ['cleaned']]);
  });

  test('run where a guard blocks', async () => {
    const story: string[] = [];
    const { text } = inputs<{ text: string }>();
    const safe = guard('safe', {
      subject: text,
      check: (_, { defer }) => {
        defer(() => void story.push('cleaned'));
        return block('no');
      },
    });
    expect((await pipeline('p', { outputs: { safe } }).run({ text: 'hi' })).status).toBe('blocked');
    expect(story).toEqual(['cleaned']);
  });

  test('that fail are reported, change no outcome, and keep no other from running', async () => {
    const { ended, story, sink } = await run(({ defer }, story) => {
      defer(() => void story.push('last'));
      defer(() => Promise.reject(new Error('rejected')));
      defer(() => {
        throw new Error('thrown');
      });
      return 'done';
    });
    expect(ended).toMatchObject({ status: 'completed', outputs: { it: 'done' }, errors: [] });
    expect(story).toEqual(['last']);
    expect(ended.cleanupErrors.map(({ code, path, attempt, cause }) => [code, path, attempt, (cause as Error).message])).toEqual([
      ['SF_CLEANUP_FAILED', 'it', 1, 'thrown'],
      ['SF_CLEANUP_FAILED', 'it', 1, 'rejected'],
    ]);
    expect(sink.of('cleanup.failed').map(({ error }) => error.message)).toEqual([
      'A cleanup of stage "it" failed: thrown.',
      'A cleanup of stage "it" failed: rejected.',
    ]);
  });

  test('that fail leave the error of the run as it was', async () => {
    const { ended } = await run(({ defer }) => {
      defer(() => Promise.reject(new Error('cleanup')));
      throw new Error('original');
    });
    expect(ended.errors.map(({ cause }) => (cause as Error).message)).toEqual(['original']);
    expect(ended.cleanupErrors).toHaveLength(1);
  });

  test('share one budget: what hangs is given up, what is left is reported without a call', async () => {
    const { ended, story, clock } = await run(
      ({ defer }, story, sleep) => {
        defer(() => void story.push('never reached'));
        defer(() => new Promise(() => {}));
        defer(() => sleep(30).then(() => void story.push('in time')));
      },
      { cleanupMs: 100 },
    );
    expect(story).toEqual(['in time']);
    expect(ended).toMatchObject({ status: 'completed', elapsedMs: 100 });
    expect(ended.cleanupErrors.map(({ message }) => message)).toEqual([
      'A cleanup of stage "it" failed: it did not finish within the budget of 100 ms.',
      'A cleanup of stage "it" failed: the budget of 100 ms was spent before it could run.',
    ]);
    expect(clock.pending).toBe(0);
  });

  test('that end within the budget leave no timer behind', async () => {
    const { ended, clock } = await run(({ defer }, _story, sleep) => defer(() => sleep(30)), { cleanupMs: 100 });
    expect(ended.elapsedMs).toBe(30);
    expect(clock.pending).toBe(0);
  });

  test('cost no timer where there are none', async () => {
    expect((await run(() => 1)).clock.pending).toBe(0);
  });
});
