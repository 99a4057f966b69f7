import fs, { appendFileSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test, vi } from 'vitest';
import { LineFile } from './line-file.ts';

/** While set, is asked in place of writing. */
let fault: ((descriptor: number, bytes: Uint8Array) => number) | undefined;

vi.mock('node:fs', async (importOriginal) => {
  const actual = await importOriginal<typeof fs>();
  const writeSync = (descriptor: number, bytes: Uint8Array, offset: number): number =>
    fault === undefined ? actual.writeSync(descriptor, bytes, offset) : fault(descriptor, bytes.subarray(offset));
  return { ...actual, writeSync };
});

const folder = mkdtempSync(join(tmpdir(), 'stageflow-line-file-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
let files = 0;

function newFile() {
  const path = join(folder, `${++files}.txt`);
  return { path, file: new LineFile({ path, maxBytes: Number.POSITIVE_INFINITY, maxFiles: 0 }), text: () => readFileSync(path, 'utf8') };
}

/** A disk that takes so many bytes, and then is full. */
function fullAfter(bytes: number, atEnd = (): void => {}): () => number {
  let left = bytes;
  let struck = 0;
  fault = (descriptor, given) => {
    if (left === 0) {
      struck++;
      atEnd();
      throw Object.assign(new Error('ENOSPC: no space left on device'), { code: 'ENOSPC' });
    }
    const taken = Math.min(left, given.length);
    left -= taken;
    appendFileSync(descriptor, given.subarray(0, taken));
    return taken;
  };
  return () => struck;
}

test('a line that was written in part is taken back, and the next is a line of its own', () => {
  const { file, text } = newFile();
  file.append('one\n');
  const struck = fullAfter(2);
  expect(() => file.append('two\n')).toThrow(expect.objectContaining({ code: 'ENOSPC' }));
  expect([struck(), text()]).toEqual([1, 'one\n']);
  fault = undefined;
  file.append('three\n');
  expect(text()).toBe('one\nthree\n');
});

test('a line that takes several writes is one line', () => {
  const { file, text } = newFile();
  let writes = 0;
  fault = (descriptor, given) => {
    writes++;
    appendFileSync(descriptor, given.subarray(0, 1));
    return 1;
  };
  file.append('ünï\n');
  fault = undefined;
  expect([writes, text()]).toEqual([6, 'ünï\n']);
});

test('of several lines together none stays where one does not fit', () => {
  const { file, text } = newFile();
  const struck = fullAfter(6);
  expect(() => file.append('one\ntwo\n')).toThrow('ENOSPC');
  fault = undefined;
  expect([struck(), text()]).toEqual([1, '']);
});

test('what another process has written meanwhile is not taken back with it', () => {
  const { path, file, text } = newFile();
  file.append('one\n');
  const struck = fullAfter(2, () => fs.appendFileSync(path, 'other\n'));
  expect(() => file.append('two\n')).toThrow('ENOSPC');
  fault = undefined;
  file.append('three\n');
  expect([struck(), text()]).toEqual([1, 'one\ntwother\n\nthree\n']);
});
