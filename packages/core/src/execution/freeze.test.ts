import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { describe, expect, test } from 'vitest';
import { freezeOutput as freezeInDevelopment, freezeRecord as freezeRecordInDevelopment } from './freeze.development.ts';
import { freezeOutput as freezeInProduction, freezeRecord as freezeRecordInProduction } from './freeze.ts';

describe('freezeOutput() in development', () => {
  test('freezes plain objects and arrays, all the way down', () => {
    const value = { list: [{ deep: { deeper: 1 } }], bare: Object.assign(Object.create(null), { a: {} }) };
    freezeInDevelopment(value);
    const all = [value, value.list, value.list[0], value.list[0]?.deep, value.bare, value.bare.a];
    expect(all.every(Object.isFrozen)).toBe(true);
  });

  test('leaves instances of classes, functions and primitives alone, and what lies behind them', () => {
    class Money {
      parts = [1];
    }
    const money = new Money();
    const map = new Map([['a', {}]]);
    const call = () => 1;
    freezeInDevelopment({ money, map, date: new Date(), call });
    expect([money, money.parts, map, map.get('a'), call].some(Object.isFrozen)).toBe(false);
    for (const primitive of [undefined, null, 1, 'a', true, Symbol('s'), 1n]) expect(() => freezeInDevelopment(primitive)).not.toThrow();
  });

  test('ends for what refers to itself, and does not overflow for what is deep', () => {
    const ring: Record<string, unknown> = {};
    ring['self'] = { back: ring };
    freezeInDevelopment(ring);
    expect(Object.isFrozen(ring)).toBe(true);
    let deep: object = {};
    const innermost = deep;
    for (let depth = 0; depth < 50_000; depth++) deep = { deep };
    freezeInDevelopment(deep);
    expect(Object.isFrozen(innermost)).toBe(true);
  });

  test('does not look below what is frozen already', () => {
    const inner = {};
    freezeInDevelopment(Object.freeze({ inner }));
    expect(Object.isFrozen(inner)).toBe(false);
  });

  test('does not call getters', () => {
    let calls = 0;
    freezeInDevelopment({
      get expensive() {
        calls++;
        return {};
      },
    });
    expect(calls).toBe(0);
  });
});

test('freezeRecord() freezes what several read, and not what is in it, in development', () => {
  const record = { a: {} };
  freezeRecordInDevelopment(record);
  expect([Object.isFrozen(record), Object.isFrozen(record.a)]).toEqual([true, false]);
});

test('neither does anything elsewhere', () => {
  const value = { a: {} };
  freezeInProduction(value);
  freezeRecordInProduction(value);
  expect([Object.isFrozen(value), Object.isFrozen(value.a)]).toEqual([false, false]);
});

describe('the condition', () => {
  const program = `
    import { pipeline, stage } from '@stageflow/core';
    const it = stage('it', { run: () => ({ list: [1] }) });
    const { outputs } = await pipeline('p', { outputs: { it } }).runOrThrow({});
    console.log(Object.isFrozen(outputs.it) && Object.isFrozen(outputs.it.list));
  `;
  const run = async (...conditions: string[]): Promise<string> => {
    const flags = conditions.map((condition) => `--conditions=${condition}`);
    const { stdout } = await promisify(execFile)(process.execPath, [...flags, '--input-type=module', '--eval', program], {
      cwd: import.meta.dirname,
    });
    return stdout.trim();
  };

  test('`development` freezes outputs, and without it nothing is', async () => {
    expect(await Promise.all([run('@stageflow/source', 'development'), run('@stageflow/source')])).toEqual(['true', 'false']);
  }, 30_000);
});
