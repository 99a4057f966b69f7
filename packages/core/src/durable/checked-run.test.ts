import { expect, test } from 'vitest';
import { StageflowError } from '../errors.ts';
import type { JournalRecord, StoredRun, StoredWait } from '../ports/run-store.ts';
import { checkedRun, checkedWait } from './checked-run.ts';
import { expiredAnswer } from './journaled-end.ts';

const record: JournalRecord = { path: 'a', status: 'completed', attempts: 1, fingerprint: 'f', output: '1', at: 0 };
const failed: JournalRecord = {
  path: 'b',
  status: 'failed',
  attempts: 1,
  fingerprint: 'f',
  error: new StageflowError('SF_RUN_UNKNOWN', { runId: 'x' }).toJSON(),
  at: 0,
};
const wait: StoredWait = {
  waitId: 'r/a#answer',
  runId: 'r',
  tenantId: undefined,
  pipeline: 'p',
  path: 'a',
  type: 'answer',
  request: '1',
  openedAt: 0,
  expiresAt: undefined,
  status: 'answered',
  answer: '2',
};
const whole: StoredRun = {
  runId: 'r',
  pipeline: 'p',
  version: undefined,
  identity: { runId: 'r', tenantId: undefined, metadata: {} } as StoredRun['identity'],
  input: { text: '"hi"' },
  createdAt: 0,
  status: 'suspended',
  epoch: 1,
  records: [{ ...record, status: 'intent', output: undefined }, record, failed],
  waits: [wait, { ...wait, status: 'open', request: undefined, answer: undefined }, { ...wait, answer: expiredAnswer }],
  early: [],
};

test('a run of which everything can be read is what it was', () => {
  expect(checkedRun(whole, 'r')).toBe(whole);
  expect(checkedWait(wait)).toBe(wait);
});

const cutOff = 'a value has been cut off or changed, or a later version wrote it';
const unknown = 'its status is "paid", which this version does not know';

test.each<[string, object, object]>([
  ['that is another', { runId: 's' }, { at: 'the run', why: 'it says that it is run "s"' }],
  ['of an unknown status', { status: 'paid' }, { at: 'the run', why: unknown }],
  ['of a status that is no text', { status: 1 }, { at: 'the run', why: 'its status is 1, which this version does not know' }],
  ['without an identity', { identity: null }, { at: 'its identity', why: 'it is no object' }],
  ['without an input', { input: undefined }, { at: 'its input', why: 'it is no object' }],
  ['with half an input', { input: { text: '"h' } }, { at: 'input "text"', why: cutOff }],
  ['with an input that is no text', { input: { text: 1 } }, { at: 'input "text"', why: 'a value is missing' }],
])('a run %s is refused', (_, change, details) => {
  expect(() => checkedRun({ ...whole, ...change } as StoredRun, 'r')).toThrow(
    expect.objectContaining({ code: 'SF_JOURNAL_CORRUPT', details: { runId: 'r', ...details }, runId: 'r', path: undefined }),
  );
});

test.each<[string, unknown, object]>([
  ['that is no object', 'torn', { at: 'record 2', why: 'it is no object' }],
  ['without a path', { ...record, path: 1 }, { at: 'record 2', why: 'it has no path' }],
  ['of an unknown status', { ...record, status: 'paid' }, { at: 'the record of "a"', why: unknown }],
  [
    'without attempts',
    { ...record, attempts: undefined },
    { at: 'the record of "a"', why: 'it does not say how many attempts there were' },
  ],
  ['without a fingerprint', { ...record, fingerprint: 0 }, { at: 'the record of "a"', why: 'it does not say what stage made it' }],
  ['with half an output', { ...record, output: '[1, 2' }, { at: 'the record of "a"', why: cutOff }],
  [
    'of an effect with half its values',
    { ...record, status: 'intent', output: undefined, values: '{"a"' },
    { at: 'the record of "a"', why: cutOff },
  ],
  ['with an unknown tag', { ...record, output: '{"$sf":"decimal"}' }, { at: 'the record of "a"', why: cutOff }],
  ['with an error that is none', { ...failed, error: null }, { at: 'the record of "b"', why: cutOff }],
])('a record %s is refused', (_, torn, details) => {
  const run = { ...whole, records: [record, torn] } as StoredRun;
  expect(() => checkedRun(run, 'r')).toThrow(expect.objectContaining({ code: 'SF_JOURNAL_CORRUPT', details: { runId: 'r', ...details } }));
});

test.each<[string, object, string]>([
  ['of an unknown status', { status: 'paid' }, unknown],
  ['with half a request', { request: '{"a"' }, cutOff],
  ['with half an answer', { answer: '{"a"' }, cutOff],
  ['that was answered with nothing', { answer: undefined }, 'a value is missing'],
])('a wait %s is refused, with its run and where it is listed', (_, change, why) => {
  const torn = { ...wait, ...change } as StoredWait;
  const refusal = expect.objectContaining({
    code: 'SF_JOURNAL_CORRUPT',
    details: { runId: 'r', at: 'wait "r/a#answer"', why },
    runId: 'r',
    path: 'a',
  });
  expect(() => checkedRun({ ...whole, waits: [torn] }, 'r')).toThrow(refusal);
  expect(() => checkedWait(torn)).toThrow(refusal);
});

test('why a value cannot be read is in the cause', () => {
  const records = [{ ...record, output: '{"$sf":"decimal"}' }];
  expect(() => checkedRun({ ...whole, records }, 'r')).toThrow(
    expect.objectContaining({
      cause: expect.objectContaining({ message: 'a value is tagged "decimal", which this version does not know' }),
    }),
  );
});
