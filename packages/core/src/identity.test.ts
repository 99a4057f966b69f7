import { describe, expect, test } from 'vitest';
import { uuidv7 } from './identity.ts';
import { pipeline } from './pipeline.ts';
import { stage } from './stage.ts';

describe('uuidv7()', () => {
  test('has the layout of RFC 9562 section 5.7: 48 bits of time, version 7, variant 10', () => {
    const at = Date.parse('2025-01-01T00:00:00.123Z');
    const id = uuidv7(at);
    expect(id).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
    expect(Number.parseInt(id.slice(0, 13).replace('-', ''), 16)).toBe(at);
  });

  test('is the example of RFC 9562 appendix A.6 in its first 48 bits', () => {
    expect(uuidv7(0x017f22e279b0).slice(0, 13)).toBe('017f22e2-79b0');
  });

  test('drops fractions of a millisecond, and holds the first and the last instant', () => {
    expect(uuidv7(1.9).slice(0, 13)).toBe('00000000-0001');
    expect(uuidv7(0).slice(0, 13)).toBe('00000000-0000');
    expect(uuidv7(2 ** 48 - 1).slice(0, 13)).toBe('ffffffff-ffff');
  });

  test('sorts by the millisecond it was made in', () => {
    const ids = [5, 1, 4, 2, 3].map((ms) => uuidv7(1_700_000_000_000 + ms));
    expect([...ids].sort().map((id) => ids.indexOf(id))).toEqual([1, 3, 4, 2, 0]);
  });

  test('differs in 20,000 calls of one millisecond', () => {
    expect(new Set(Array.from({ length: 20_000 }, () => uuidv7(7))).size).toBe(20_000);
  });

  test('uses all 74 random bits', () => {
    const digits = Array.from({ length: 2_000 }, () => uuidv7(7).replaceAll('-', '').slice(12));
    // Every hexadecimal digit behind the version takes 16 values, the one with the variant 4.
    const seen = Array.from({ length: 20 }, (_, at) => new Set(digits.map((text) => text[at])).size);
    expect(seen).toEqual([1, 16, 16, 16, 4, ...Array<number>(15).fill(16)]);
  });
});

describe('the identity of a run', () => {
  const who = stage('who', { run: (_, { identity }) => identity });
  const asking = pipeline('asking', { outputs: { who } });

  test('is what was given, with an id of its own and undefined where nothing was given', async () => {
    const run = await asking.runOrThrow({}, { tenantId: 'acme', userId: 'ada', metadata: { plan: 'pro' } });
    expect(run.outputs.who).toMatchObject({ tenantId: 'acme', userId: 'ada', requestId: undefined, metadata: { plan: 'pro' } });
    expect(run.identity.runId).toMatch(/^[0-9a-f-]{36}$/);
    expect(run.runId).toBe(run.identity.runId);
    expect((await asking.runOrThrow({}, { runId: 'mine' })).runId).toBe('mine');
    expect((await asking.runOrThrow({}, { makeId: () => 'made' })).runId).toBe('made');
  });

  test('can be printed, handed to another run, and not changed', async () => {
    const first = await asking.runOrThrow({}, { runId: 'one', traceId: 't', metadata: { plan: 'pro' } });
    expect(JSON.parse(JSON.stringify(first.identity))).toEqual({ runId: 'one', traceId: 't', metadata: { plan: 'pro' } });
    const second = await asking.runOrThrow({}, { ...first.identity, runId: 'two', parentRunId: first.runId });
    expect(second.identity).toEqual({ ...first.identity, runId: 'two', parentRunId: 'one' });
    expect(Object.isFrozen(first.identity) && Object.isFrozen(first.identity.metadata)).toBe(true);
  });
});
