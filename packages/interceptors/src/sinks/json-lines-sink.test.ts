import {
  appendFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmdirSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createRuntime, type RunEvent } from '@stageflow/core';
import { jsonLinesSink, readJsonLines } from '@stageflow/interceptors/sinks';
import { recordingSink } from '@stageflow/testing';
import { startProgram } from '@stageflow-internal/killed-runs/program';
import { afterAll, describe, expect, test } from 'vitest';
import { emitting, eventOf, runEmitting } from '../../test/events.ts';

const folder = mkdtempSync(join(tmpdir(), 'stageflow-json-lines-'));
let files = 0;
const newPath = (): string => join(folder, String(++files), 'runs.jsonl');

afterAll(() => rmSync(folder, { recursive: true, force: true }));

async function valuesIn(path: string): Promise<readonly { readonly seq: number; readonly runId: string }[]> {
  const values: unknown[] = [];
  for await (const value of readJsonLines(path)) values.push(value);
  return values as { seq: number; runId: string }[];
}

const seqsIn = async (path: string): Promise<readonly number[]> => (await valuesIn(path)).map(({ seq }) => seq);

describe('a file of JSON lines', () => {
  test('has every event of a run as a line when the run has ended, in a folder that was not there', async () => {
    const path = newPath();
    const recorded = recordingSink();
    const emits = emitting(3);
    const runtime = createRuntime({ pipelines: [emits], sinks: [recorded, jsonLinesSink({ path })] });
    await runtime.run(emits, {});

    expect(await valuesIn(path)).toEqual(JSON.parse(JSON.stringify(recorded.events)));
    expect(readFileSync(path, 'utf8').split('\n').length).toBe(9);
    await runtime.close();
  });

  test('is appended to by the next process, and after a flush', async () => {
    const path = newPath();
    const sink = jsonLinesSink({ path });
    void sink.emit(eventOf(1));
    await sink.flush?.();
    await sink.flush?.();
    void sink.emit(eventOf(2));
    const next = jsonLinesSink({ path });
    void next.emit(eventOf(3));
    expect(await seqsIn(path)).toEqual([1, 2, 3]);
  });

  test('has one line for an event, whatever is in it', async () => {
    const path = newPath();
    const payload = { big: 12n, text: 'a\nb\u2028c\u2029d', half: '\ud83d', none: undefined };
    const sink = jsonLinesSink({ path });
    void sink.emit({ ...eventOf(1), payload } as RunEvent);
    expect(readFileSync(path, 'utf8')).toMatch(/^[^\n\u2028\u2029]+\n$/);
    expect((await valuesIn(path))[0]).toMatchObject({ payload: { big: '12', text: payload.text, half: '\ud83d' } });
  });

  test('gets nothing of an event that JSON cannot say, which is a failure of the sink', async () => {
    const path = newPath();
    const circle: Record<string, unknown> = {};
    circle['self'] = circle;
    const sink = jsonLinesSink({ path });
    void sink.emit(eventOf(1));
    expect(() => sink.emit({ ...eventOf(2), payload: circle } as RunEvent)).toThrow(TypeError);
    expect(sink.lastFailure?.message).toContain('circular');
    void sink.emit(eventOf(3));
    expect(sink.lastFailure).toBeUndefined();
    expect(await seqsIn(path)).toEqual([1, 3]);
  });
});

describe('rotation', () => {
  const lineBytes = (path: string): number => statSync(path).size;

  test('begins a file where the line would not fit, and keeps so many full ones', async () => {
    const probe = newPath();
    void jsonLinesSink({ path: probe }).emit(eventOf(1));
    const maxBytes = lineBytes(probe) * 2;

    const path = newPath();
    const sink = jsonLinesSink({ path, maxBytes, maxFiles: 2 });
    for (let seq = 1; seq <= 9; seq++) void sink.emit(eventOf(seq));
    expect(readdirSync(join(path, '..')).sort()).toEqual(['runs.jsonl', 'runs.jsonl.1', 'runs.jsonl.2']);
    expect([await seqsIn(`${path}.2`), await seqsIn(`${path}.1`), await seqsIn(path)]).toEqual([[5, 6], [7, 8], [9]]);
    expect(statSync(`${path}.1`).size).toBe(maxBytes);
  });

  test('goes on where the last process stopped', async () => {
    const path = newPath();
    void jsonLinesSink({ path }).emit(eventOf(1));
    const sink = jsonLinesSink({ path, maxBytes: lineBytes(path) + 10 });
    void sink.emit(eventOf(2));
    expect([await seqsIn(`${path}.1`), await seqsIn(path)]).toEqual([[1], [2]]);
  });

  test('puts an event that is larger than a file into one of its own', async () => {
    const path = newPath();
    const sink = jsonLinesSink({ path, maxBytes: 10 });
    for (let seq = 1; seq <= 3; seq++) void sink.emit(eventOf(seq));
    expect([await seqsIn(`${path}.2`), await seqsIn(`${path}.1`), await seqsIn(path)]).toEqual([[1], [2], [3]]);
  });

  test('keeps no full file where none is wanted', async () => {
    const path = newPath();
    const sink = jsonLinesSink({ path, maxBytes: 10, maxFiles: 0 });
    for (let seq = 1; seq <= 3; seq++) void sink.emit(eventOf(seq));
    expect([readdirSync(join(path, '..')), await seqsIn(path)]).toEqual([['runs.jsonl'], [3]]);
  });

  test('that fails is a failure of the sink, and is tried again with the next event', async () => {
    const path = newPath();
    const sink = jsonLinesSink({ path, maxBytes: 10, maxFiles: 1 });
    void sink.emit(eventOf(1));
    mkdirSync(`${path}.1`);
    expect(() => sink.emit(eventOf(2))).toThrow();
    expect(sink.lastFailure?.code).toMatch(/^E[A-Z]+$/);
    expect(await seqsIn(path)).toEqual([1]);
    rmdirSync(`${path}.1`);
    void sink.emit(eventOf(3));
    expect([await seqsIn(`${path}.1`), await seqsIn(path)]).toEqual([[1], [3]]);
  });
});

describe('trouble', () => {
  test('with the file shows at once, where the sink is made', () => {
    const path = newPath();
    mkdirSync(path, { recursive: true });
    expect(() => jsonLinesSink({ path })).toThrow(expect.objectContaining({ code: 'EISDIR' }));
  });

  test.each([
    ['path', { path: '' }],
    ['maxBytes', { path: 'x', maxBytes: 0 }],
    ['maxFiles', { path: 'x', maxFiles: -1 }],
  ])('with option %s shows there, too', (option, options) => {
    expect(() => jsonLinesSink(options)).toThrow(
      expect.objectContaining({ code: 'SF_OPTION_INVALID', details: expect.objectContaining({ option }) }),
    );
    expect(existsSync('x')).toBe(false);
  });

  test('with the disk changes no outcome, is counted, and ends with the trouble', async () => {
    const path = newPath();
    const sink = jsonLinesSink({ path });
    await sink.flush?.();
    rmSync(path);
    mkdirSync(path);
    expect(await runEmitting(2, [sink])).toBe('completed');
    expect(sink.lastFailure?.code).toBe('EISDIR');
    rmdirSync(path);
    expect(await runEmitting(2, [sink])).toBe('completed');
    expect(sink.lastFailure).toBeUndefined();
    expect(await seqsIn(path)).toEqual([1, 2, 3, 4, 5, 6, 7]);
  });

  test('a full disk leaves whole lines only, changes no outcome, and every event is either there or counted', {
    timeout: 30_000,
  }, async () => {
    const path = newPath();
    mkdirSync(join(path, '..'), { recursive: true });
    // 8 blocks of 512 or 1,024 bytes, by the shell: less than the run writes.
    const { code, output, errors } = await startProgram(new URL('../../test/programs/write-lines.ts', import.meta.url), [path, '3'], {
      fileBlocks: 8,
    }).ended;
    expect({ code, errors }).toEqual({ code: 0, errors: '' });
    const last = JSON.parse(output.trimEnd().split('\n').at(-1) ?? '');
    const text = readFileSync(path, 'utf8');
    expect(last).toMatchObject({ status: 'completed', code: 'EFBIG' });
    expect(last.failed).toBeGreaterThan(0);
    expect(last.delivered + last.failed).toBe(75);
    expect(text.endsWith('\n')).toBe(true);
    expect((await valuesIn(path)).length).toBe(last.delivered);
    expect(text.split('\n').length).toBe(last.delivered + 1);
  });

  test('a process that is killed leaves every event that it had told the sink', { timeout: 30_000 }, async () => {
    const path = newPath();
    const program = startProgram(new URL('../../test/programs/write-lines.ts', import.meta.url), [path, '100000']);
    let told = 0;
    program.process.stdout?.on('data', () => {
      if (++told === 20) program.process.kill('SIGKILL');
    });
    const { signal, output } = await program.ended;
    expect(signal).toBe('SIGKILL');
    const lines = output.split('\n').slice(0, -1);
    const { delivered } = JSON.parse(lines.at(-1) ?? '');
    const torn: unknown[] = [];
    const seen: { readonly runId: string; readonly seq: number }[] = [];
    for await (const value of readJsonLines(path, { onTorn: (line) => torn.push(line) }))
      seen.push(value as { runId: string; seq: number });
    expect(delivered).toBeGreaterThan(100);
    expect(seen.length).toBeGreaterThanOrEqual(delivered);
    expect(torn.length).toBeLessThanOrEqual(1);
    expect(seen.map(({ runId, seq }) => Number(runId) * 25 + seq)).toEqual(seen.map((_, index) => index + 1));
  });
});

describe('a line that a process was killed in', () => {
  const tear = (path: string): void => appendFileSync(path, '{"type":"custom","seq":2,"na');

  test('is told of by the reader, which reads the others', async () => {
    const path = newPath();
    void jsonLinesSink({ path }).emit(eventOf(1));
    tear(path);
    const torn: unknown[] = [];
    const seen: unknown[] = [];
    for await (const value of readJsonLines(path, { onTorn: (line) => torn.push(line) })) seen.push(value);
    expect(seen.length).toBe(1);
    expect(torn).toEqual([{ number: 2, text: '{"type":"custom","seq":2,"na' }]);
  });

  test('does not spoil the line that the next process writes', async () => {
    const path = newPath();
    void jsonLinesSink({ path }).emit(eventOf(1));
    tear(path);
    const sink = jsonLinesSink({ path });
    void sink.emit(eventOf(3));
    void sink.emit(eventOf(4));
    expect(await seqsIn(path)).toEqual([1, 3, 4]);
  });
});

describe('readJsonLines', () => {
  test('reads lines of any length, and what has no line feed at its end', async () => {
    const path = newPath();
    mkdirSync(join(path, '..'), { recursive: true });
    const long = 'ü'.repeat(300_000);
    writeFileSync(path, `1\n\n"${long}"\nnull`);
    const seen: unknown[] = [];
    for await (const value of readJsonLines(path)) seen.push(value);
    expect(seen).toEqual([1, long, null]);
  });

  test('rejects where there is no file', async () => {
    await expect(seqsIn(newPath())).rejects.toMatchObject({ code: 'ENOENT' });
  });

  test('lets go of the file when its reader leaves', async () => {
    const path = newPath();
    void jsonLinesSink({ path }).emit(eventOf(1));
    void jsonLinesSink({ path }).emit(eventOf(2));
    for await (const value of readJsonLines(path)) {
      expect(value).toMatchObject({ seq: 1 });
      break;
    }
  });
});
