import { describe, expect, test, vi } from 'vitest';
import { describeThrown, isStageflowError, StageflowError } from './errors.ts';
import { pipeline } from './pipeline.ts';
import { stage } from './stage.ts';

const details = { stage: 'ask', thrown: 'no.' };

/** Throws from every trap. */
const hostileProxy = new Proxy(
  {},
  Object.fromEntries(
    (['get', 'has', 'getPrototypeOf', 'ownKeys', 'getOwnPropertyDescriptor'] as const).map((trap) => [
      trap,
      () => {
        throw new Error(`trap ${trap}`);
      },
    ]),
  ),
);
const cyclic: Record<string, unknown> = {};
cyclic['self'] = cyclic;

class Reticent extends Error {
  override get message(): string {
    throw new Error('no message for you');
  }
}

const hostile: readonly (readonly [string, unknown])[] = [
  ['an Error whose message cannot be read', new Reticent()],
  ['a Proxy that throws from every trap', hostileProxy],
  ['a revoked Proxy', revoked()],
  ['an object without prototype', Object.assign(Object.create(null), { a: 1 })],
  ['a BigInt', 10n],
  ['an object that refers to itself', cyclic],
  ['a symbol', Symbol('s')],
  ['a function', () => 1],
  ['undefined', undefined],
  ['null', null],
  [
    'an object whose toJSON throws',
    {
      toJSON: (): never => {
        throw new Error('no');
      },
    },
  ],
  [
    'an object with a getter that throws',
    {
      get name(): string {
        throw new Error('no');
      },
    },
  ],
];

function revoked(): object {
  const { proxy, revoke } = Proxy.revocable({}, {});
  revoke();
  return proxy;
}

describe('describeThrown()', () => {
  test('says the name and the message of an error, and what anything else is', () => {
    expect(describeThrown(new TypeError('no'))).toEqual({ name: 'TypeError', message: 'no' });
    expect(describeThrown('no')).toEqual({ name: 'string', message: 'no' });
    expect(describeThrown({ a: 1 })).toEqual({ name: 'object', message: '{"a":1}' });
    expect(describeThrown(undefined)).toEqual({ name: 'undefined', message: 'undefined' });
    expect(describeThrown(Symbol('s'))).toEqual({ name: 'symbol', message: 'Symbol(s)' });
  });

  test.each(hostile)('does not throw for %s', (_, thrown) => {
    const { name, message } = describeThrown(thrown);
    expect([typeof name, typeof message]).toEqual(['string', 'string']);
  });
});

describe('a stage that throws something hostile', () => {
  for (const [what, thrown] of hostile) {
    test(`${what}: is failed like any other, and the run settles`, async () => {
      for (const policy of [{}, { retry: { attempts: 2, baseMs: 0 } }]) {
        for (const run of [
          () => {
            throw thrown;
          },
          () => Promise.reject(thrown),
        ]) {
          const ended = await pipeline('p', { outputs: { it: stage('it', { ...policy, run }) } }).run({});
          expect(ended.status).toBe('failed');
          expect(ended.errors.map(({ code }) => code)).toEqual(['SF_STAGE_FAILED']);
          expect(() => JSON.stringify(ended.errors[0])).not.toThrow();
        }
      }
    });
  }
});

describe('toJSON()', () => {
  test('is plain data, with the cause in short', () => {
    const error = new StageflowError('SF_STAGE_FAILED', details, {
      pipeline: 'p',
      runId: 'r',
      path: 'ask',
      attempt: 2,
      cause: new TypeError('no'),
    });
    expect(JSON.parse(JSON.stringify(error))).toEqual({
      name: 'StageflowError',
      code: 'SF_STAGE_FAILED',
      message: 'Stage "ask" failed: no.',
      hint: 'Mend what the stage does: "cause" is the original error. What may pass is for retry; what may fail, for settled() or fallback().',
      docs: 'docs/errors/SF_STAGE_FAILED.md',
      retryable: true,
      details,
      pipeline: 'p',
      runId: 'r',
      path: 'ask',
      attempt: 2,
      cause: { name: 'TypeError', message: 'no' },
    });
  });

  test('leaves out a cause there is none of, and keeps the whole of one that is a StageflowError', () => {
    expect(new StageflowError('SF_STAGE_FAILED', details).toJSON()).not.toHaveProperty('cause');
    const inner = new StageflowError('SF_RUN_DEADLINE', { deadlineMs: 5 });
    expect(new StageflowError('SF_STAGE_FAILED', details, { cause: inner }).toJSON().cause).toEqual(inner.toJSON());
  });
});

describe('StageflowError', () => {
  test('keeps the cause as it was, undefined included, and says retryable as the table does unless told', () => {
    const cause = { odd: true };
    expect(new StageflowError('SF_STAGE_FAILED', details, { cause }).cause).toBe(cause);
    expect('cause' in new StageflowError('SF_STAGE_FAILED', details, { cause: undefined })).toBe(true);
    expect('cause' in new StageflowError('SF_STAGE_FAILED', details)).toBe(false);
    expect(new StageflowError('SF_STAGE_FAILED', details).retryable).toBe(true);
    expect(new StageflowError('SF_STAGE_FAILED', details, { retryable: false }).retryable).toBe(false);
  });
});

describe('isStageflowError()', () => {
  test('narrows to a code, and recognises the error of another copy of the module', async () => {
    const error = new StageflowError('SF_STAGE_FAILED', details);
    expect([isStageflowError(error), isStageflowError(error, 'SF_STAGE_FAILED'), isStageflowError(error, 'SF_CYCLE')]).toEqual([
      true,
      true,
      false,
    ]);
    vi.resetModules();
    const copy = await import('./errors.ts');
    expect(copy.StageflowError).not.toBe(StageflowError);
    expect(copy.isStageflowError(error, 'SF_STAGE_FAILED')).toBe(true);
    expect(isStageflowError(new copy.StageflowError('SF_STAGE_FAILED', details))).toBe(true);
  });

  test.each([
    [undefined],
    [null],
    ['SF_STAGE_FAILED'],
    [new Error('SF_STAGE_FAILED')],
    [{ code: 'SF_STAGE_FAILED' }],
    [JSON.parse(JSON.stringify(new StageflowError('SF_STAGE_FAILED', details)))],
  ])('is false of %o', (value) => {
    expect(isStageflowError(value)).toBe(false);
  });
});
