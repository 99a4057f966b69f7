import { describe, expect, test } from 'vitest';
import { definePipeline } from '../define.ts';
import { isStageflowError } from '../errors.ts';
import { pipeline } from '../pipeline.ts';
import { stage } from '../stage.ts';
import { mergeOverrides } from './configure.ts';
import { planJson } from './plan-json.ts';

const ask = stage('ask', { timeoutMs: 5, retry: { attempts: 2, baseMs: 7 }, run: () => 1 });
const chat = pipeline('chat', { outputs: { ask } });

function messages(make: () => unknown): string[] {
  try {
    make();
  } catch (error) {
    if (isStageflowError(error, 'SF_PLAN_INVALID')) return error.details.problems.map(({ message }) => message);
    throw error;
  }
  return [];
}

describe('configure()', () => {
  test('overrides what it names, keeps the rest, and leaves the pipeline as it was', () => {
    const patient = chat.configure({ ask: { timeoutMs: 60_000, graceMs: 9 } });
    expect(patient.plan.stages[0]).toMatchObject({ timeoutMs: 60_000, graceMs: 9, retry: { attempts: 2, baseMs: 7 } });
    expect(chat.plan.stages[0]).toMatchObject({ timeoutMs: 5, graceMs: undefined });
  });

  test('takes a policy away where it says undefined', () => {
    expect(chat.configure({ ask: { timeoutMs: undefined, retry: undefined } }).plan.stages[0]).toMatchObject({
      timeoutMs: undefined,
      retry: undefined,
      simple: true,
    });
  });

  test('adds to what was configured before, the later one winning', () => {
    const twice = chat.configure({ ask: { timeoutMs: 1, idleMs: 2 } }).configure({ ask: { timeoutMs: 3 } });
    expect(twice.plan.stages[0]).toMatchObject({ timeoutMs: 3, idleMs: 2 });
  });

  test('holds for a stage that is replaced, before and after', () => {
    const standIn = stage('ask', { run: () => 2 });
    expect(chat.configure({ ask: { timeoutMs: 9 } }).with(ask, standIn).plan.stages[0]).toMatchObject({ timeoutMs: 9 });
    expect(chat.with(ask, standIn).configure({ ask: { timeoutMs: 9 } }).plan.stages[0]).toMatchObject({ timeoutMs: 9 });
  });

  test('does the same for a pipeline from data', () => {
    const defined = definePipeline({ name: 'chat', stages: [{ name: 'ask', run: () => 1 }], outputs: { ask: 'ask' } });
    const configured = defined.configure({ ask: { timeoutMs: 1 } }).configure({ ask: { idleMs: 2 } });
    expect(planJson(configured.plan).stages[0]?.limits).toEqual({ timeoutMs: 1, idleMs: 2 });
    expect(planJson(defined.plan).stages[0]?.limits).toBeUndefined();
  });

  test('reports every wrong name, option and value', () => {
    const wrong = { akk: { timeoutMs: 1 }, ask: { run: () => 1, kind: 'work', timeoutMs: -1 } as never };
    const found = messages(() => chat.configure(wrong));
    expect(found.length).toBe(4);
    expect(found[0]).toBe('configure() names the stage "akk", which this pipeline does not have.');
    expect(found[1]).toContain('"run"');
    expect(found[2]).toContain('"kind"');
    expect(found[3]).toContain('Option "timeoutMs" of stage "ask" must be');
  });

  test('is not fooled by names that objects inherit', () => {
    expect(messages(() => chat.configure({ toString: { timeoutMs: 1 } as never }))).toEqual([
      'configure() names the stage "toString", which this pipeline does not have.',
    ]);
    expect(messages(() => chat.configure(JSON.parse('{"__proto__":{"timeoutMs":1}}')))).toEqual([
      'configure() names the stage "__proto__", which this pipeline does not have.',
    ]);
    expect(pipeline('p', { outputs: { it: stage('toString', { run: () => 1 }) } }).configure({}).plan.stages[0]?.timeoutMs).toBeUndefined();
  });
});

test('mergeOverrides() changes neither of its arguments', () => {
  const earlier = { a: { timeoutMs: 1 }, b: { idleMs: 2 } };
  const later = { a: { idleMs: 3 } };
  expect(mergeOverrides(earlier, later)).toEqual({ a: { timeoutMs: 1, idleMs: 3 }, b: { idleMs: 2 } });
  expect(earlier).toEqual({ a: { timeoutMs: 1 }, b: { idleMs: 2 } });
});
