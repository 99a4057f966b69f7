import { setImmediate as hostTurn } from 'node:timers/promises';
import { stripVTControlCharacters } from 'node:util';
import { createRuntime, pipeline, type RunEvent, stage } from '@stageflow/core';
import { consoleSink } from '@stageflow/interceptors/sinks';
import { recordingSink } from '@stageflow/testing';
import fc from 'fast-check';
import stringWidth from 'string-width';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { runEverything } from '../../test/console-runs.ts';
import { emitting, eventOf, lastEvent, runEmitting } from '../../test/events.ts';
import { Printed } from '../../test/printed.ts';

/** The types there are, and whether a person is shown them. */
const types: Readonly<Record<RunEvent['type'], 'shown' | 'not shown' | 'never at a sink'>> = {
  'run.created': 'shown',
  'run.started': 'shown',
  'run.snapshotted': 'never at a sink',
  'run.paused': 'shown',
  'run.continued': 'shown',
  'run.stopping': 'shown',
  'run.completed': 'shown',
  'run.failed': 'shown',
  'run.blocked': 'shown',
  'run.cancelled': 'shown',
  'run.suspended': 'shown',
  'stage.started': 'shown',
  'stage.suspended': 'shown',
  'stage.resumed': 'shown',
  'stage.completed': 'shown',
  'stage.skipped': 'shown',
  'stage.failed': 'shown',
  'stage.blocked': 'shown',
  'stage.cancelled': 'shown',
  'stage.progressed': 'shown',
  'attempt.failed': 'shown',
  'attempt.abandoned': 'shown',
  'attempt.arrived_late': 'shown',
  'stream.opened': 'shown',
  'stream.chunk': 'not shown',
  'stream.overflowed': 'shown',
  'stream.closed': 'shown',
  'guard.failed_open': 'shown',
  'guarded.rejected': 'shown',
  'guarded.retried': 'shown',
  'guarded.exhausted': 'shown',
  'guarded.recovered': 'shown',
  'cleanup.failed': 'shown',
  'undo.started': 'shown',
  'undo.completed': 'shown',
  'undo.failed': 'shown',
  'events.dropped': 'shown',
  custom: 'shown',
};

/** Everything, and then a run that the stream is too slow for. */
async function printEverything(columns: number | undefined, color = false): Promise<string> {
  const stream = new Printed({ columns });
  await runEverything([consoleSink({ stream, color })]);
  const slow = new Printed({ columns, isFull: true });
  const emits = emitting(6);
  const sinks = [{ sink: consoleSink({ stream: slow, color }), capacity: 2 }];
  const runtime = createRuntime({ pipelines: [emits], sinks, clock: standingClock });
  await runtime.run(emits, {}, { runId: 'lagging' });
  slow.makeRoom();
  await runtime.close();
  return stream.text + slow.text;
}

const standingClock = { now: () => Date.UTC(2025, 0, 1), monotonic: () => 0, schedule: () => ({ cancel: () => {} }) };

afterEach(() => vi.unstubAllEnvs());

describe('what people see', () => {
  test.each([[60], [80], [120]])('on a terminal of %i columns', async (columns) => {
    const text = await printEverything(columns);
    await expect(text).toMatchFileSnapshot(`../../test/golden/console-${columns}.txt`);
    expect(Math.max(...text.split('\n').map((line) => stringWidth(line)))).toBe(columns);
  });

  test('on a terminal with colours is the same, coloured', async () => {
    const text = await printEverything(80, true);
    await expect(text).toMatchFileSnapshot('../../test/golden/console-80-color.txt');
    const trimmed = stripVTControlCharacters(text).replaceAll(/ +$/gm, '');
    expect(trimmed).toBe(await printEverything(80));
  });

  test('elsewhere is whole lines, with time and run', async () => {
    await expect(await printEverything(undefined)).toMatchFileSnapshot('../../test/golden/console-non-tty.txt');
  });

  test('is one line for each fact, of every type there is but chunks', async () => {
    const recorded = recordingSink();
    const stream = new Printed();
    await runEverything([recorded, consoleSink({ stream })]);
    const seen = new Set(recorded.events.map(({ type }) => type));
    const expected = Object.keys(types).filter(
      (type) => types[type as RunEvent['type']] !== 'never at a sink' && type !== 'events.dropped',
    );
    expect([...seen].sort()).toEqual(expected.sort());
    expect(stream.lines.length).toBe(recorded.events.filter(({ type }) => types[type] === 'shown').length);
    expect(stream.text).not.toContain('three');
  });

  test('of drops is how many, before the line that follows', async () => {
    expect(await printEverything(undefined)).toContain('emitting: 7 events dropped before this line: sink console was behind\n');
  });

  test('of a child run is which run it stands below, and of a run that left work behind is what', () => {
    const stream = new Printed();
    const sink = consoleSink({ stream });
    const child = { ...lastEvent(1), type: 'run.created', version: 1, stageCount: 2, parentRunId: 'r-0', identity: { runId: 'r-1' } };
    void sink.emit(child as RunEvent);
    const stopped = { ...lastEvent(2), type: 'run.cancelled', reason: 'enough', cancelledBy: 'ask', unsettled: ['slow', 'slower'] };
    void sink.emit(stopped as RunEvent);
    const queued = { ...eventOf(3), type: 'stage.started', kind: 'work', queuedMs: 40 };
    void sink.emit(queued as RunEvent);
    expect(stream.lines.map((line) => line.replace(/^\S+ \S+ /, ''))).toEqual([
      'emitting: created: 2 stages, below r-0',
      'emitting: cancelled in 1ms by ask: enough (1 completed, still at work: slow, slower)',
      'emitting it: started, queued 40ms',
    ]);
  });

  test('of a reader that came late is where the stages are', () => {
    const stream = new Printed();
    void consoleSink({ stream }).emit({
      ...eventOf(1),
      type: 'run.snapshotted',
      statuses: { a: 'running', b: 'completed', c: 'running' },
    } as RunEvent);
    void consoleSink({ stream }).emit({ ...eventOf(1), type: 'run.snapshotted', statuses: {} } as RunEvent);
    expect(stream.lines.map((line) => line.replace(/^.*: under/, 'under'))).toEqual([
      'under way: 2 running, 1 completed',
      'under way: no stage has ended',
    ]);
  });
});

describe('text of others', () => {
  const failingWith = (message: string) =>
    pipeline('p', {
      outputs: {
        it: stage('it', {
          run: () => {
            throw new Error(message);
          },
        }),
      },
    });

  test.each([
    ['an escape sequence', 'a\u001b[31mb', 'a\\u001b[31mb'],
    ['a new line that pretends to be another fact', 'a\nb: completed', 'a\\nb: completed'],
    ['a return that would overwrite the line', 'a\rb\tc', 'a\\rb\\tc'],
    ['a C1 control', 'a\u009bb', 'a\\u009bb'],
    ['a separator of lines', 'a\u2028b', 'a\\u2028b'],
    ['text turned round', 'a\u202eb', 'a\\u202eb'],
    ['half a character', 'a\ud83db', 'a\\ud83db'],
  ])('with %s is shown and not obeyed', async (_, message, shown) => {
    for (const columns of [undefined, 120]) {
      const stream = new Printed({ columns });
      await runEmittingOf(failingWith(message), stream);
      expect(stream.text).toContain(shown);
      expect(stream.text).not.toContain(message);
    }
  });

  test('keeps the letters that scripts and emoji are made of', async () => {
    const stream = new Printed();
    await runEmittingOf(failingWith('日本語 👩‍👩‍👧‍👦 é'), stream);
    expect(stream.text).toContain('日本語 👩‍👩‍👧‍👦 é');
  });

  test('whatever it is, never breaks a line, exceeds the width, or leaves a colour on', { timeout: 60_000 }, () => {
    const text = fc.string({ unit: 'grapheme', maxLength: 120 });
    fc.assert(
      fc.property(fc.oneof(text, fc.string({ unit: 'binary', maxLength: 120 })), fc.integer({ min: 40, max: 130 }), (message, columns) => {
        const stream = new Printed();
        const fact = { ...eventOf(1), path: message, type: 'stage.skipped', kind: 'transform', reason: message, rootCause: undefined };
        void consoleSink({ stream, columns, color: true }).emit(fact as RunEvent);
        expect(stream.lines.length).toBe(1);
        const bare = stripVTControlCharacters(stream.lines[0] ?? '');
        expect(bare).not.toMatch(/[\p{Cc}\p{Zl}\p{Zp}\p{Surrogate}]/u);
        expect(stringWidth(bare)).toBeLessThanOrEqual(columns);
        const codes = [...stream.text.replaceAll('\u001b', 'ESC').matchAll(/ESC\[(\d+)m/g)].map(([, code]) => Number(code));
        expect(codes.length % 2).toBe(0);
        for (let at = 0; at < codes.length; at += 2) expect([22, 39]).toContain(codes[at + 1]);
      }),
    );
  });

  async function runEmittingOf(p: ReturnType<typeof failingWith>, stream: Printed): Promise<void> {
    const runtime = createRuntime({ pipelines: [p], sinks: [consoleSink({ stream })] });
    expect((await runtime.run(p, {})).status).toBe('failed');
    await runtime.close();
  }
});

describe('colours', () => {
  const isColored = (stream: Printed, color?: boolean): boolean => {
    void consoleSink({ stream, color }).emit(lastEvent(1));
    return stream.text.includes('\u001b[');
  };
  const withColors = (hasColors: boolean) => Object.assign(new Printed({ columns: 80 }), { hasColors: () => hasColors });

  test('are those that the terminal says it has', () => {
    expect(isColored(withColors(true))).toBe(true);
    expect(isColored(withColors(false))).toBe(false);
  });

  test('are left out with NO_COLOR, and where there is no terminal', () => {
    vi.stubEnv('NO_COLOR', '');
    expect(isColored(new Printed({ columns: 80 }))).toBe(true);
    vi.stubEnv('NO_COLOR', '1');
    expect(isColored(new Printed({ columns: 80 }))).toBe(false);
    expect(isColored(new Printed())).toBe(false);
  });

  test('are as the option says, where it says', () => {
    expect(isColored(withColors(true), false)).toBe(false);
    expect(isColored(withColors(false), true)).toBe(true);
  });
});

describe('the width', () => {
  test('follows the terminal while it is changed', () => {
    const stream = new Printed({ columns: 120 });
    const sink = consoleSink({ stream, color: false });
    const fact = { ...eventOf(1), type: 'stage.cancelled', kind: 'work', reason: 'x'.repeat(200) } as RunEvent;
    void sink.emit(fact);
    stream.columns = 70;
    void sink.emit(fact);
    stream.columns = undefined;
    void sink.emit(fact);
    expect(stream.lines.map(({ length }) => length)).toEqual([120, 70, 80]);
  });

  test('is never below 40, where nothing would be left to read', () => {
    const stream = new Printed();
    void consoleSink({ stream, columns: 5 }).emit(lastEvent(1));
    expect(stream.lines[0]?.length).toBeGreaterThan(30);
  });

  test.each([[0], [1.5], [Number.NaN]])('cannot be %d', (columns) => {
    expect(() => consoleSink({ columns })).toThrow(expect.objectContaining({ code: 'SF_OPTION_INVALID' }));
  });
});

describe('the stream', () => {
  test('is standard output where none is given', () => {
    const write = vi.spyOn(process.stdout, 'write').mockReturnValue(true);
    void consoleSink().emit(lastEvent(7));
    const written = write.mock.calls.map(([text]) => String(text)).join('');
    write.mockRestore();
    expect(written).toContain('completed');
  });

  test('that has no room is waited for, and loses nothing', async () => {
    const stream = new Printed({ isFull: true });
    const emits = emitting(2);
    const runtime = createRuntime({ pipelines: [emits], sinks: [consoleSink({ stream })] });
    expect((await runtime.run(emits, {})).status).toBe('completed');
    expect(stream.lines.length).toBe(1);
    stream.makeRoom();
    await runtime.close();
    expect(stream.lines.length).toBe(7);
    expect(stream.listenerCount('drain')).toBe(0);
  });

  test('that breaks ends neither the process nor a run, and what is not printed is counted', async () => {
    const stream = new Printed({ isFull: true });
    const broken = new Promise((resolve) => stream.on('close', resolve));
    const emits = emitting(2);
    const runtime = createRuntime({ pipelines: [emits], sinks: [consoleSink({ stream })] });
    const run = runtime.run(emits, {});
    setImmediate(() => stream.destroy(new Error('EPIPE')));
    expect((await run).status).toBe('completed');
    await broken;
    await runtime.close();
    expect(stream.errored?.message).toBe('EPIPE');
    expect(runtime.sinks['console']).toMatchObject({ delivered: 1, failed: 6 });
  });

  test('has no listener of the sink left when everything is written', async () => {
    const stream = new Printed();
    expect(await runEmitting(50, [consoleSink({ stream })])).toBe('completed');
    expect(stream.lines.length).toBe(55);
    expect(stream.listenerCount('error')).toBe(1);
    await hostTurn();
    await hostTurn();
    expect(stream.listenerCount('error')).toBe(0);
  });
});
