import { describe, expect, test, vi } from 'vitest';
import { cancel, controlKind, fail, retryLater, skip, suspend } from './control.ts';
import { block, pass } from './guard.ts';
import { inputs } from './inputs.ts';
import { pipeline } from './pipeline.ts';
import { stage } from './stage.ts';

const made = [skip('a'), cancel('b'), fail(new Error('c')), retryLater(new Error('d'), { afterMs: 5 }), suspend({ question: 'e' })];

describe('controlKind()', () => {
  test('tells the five apart', () => {
    expect(made.map(controlKind)).toEqual(['skip', 'cancel', 'fail', 'retry', 'suspend']);
    expect(retryLater('x')).toMatchObject({ error: 'x', afterMs: undefined });
  });

  test.each([[undefined], [null], ['skip'], [7], [{}], [[]], [{ kind: 'skip', reason: 'x' }], [pass()], [block('no')]])(
    'of %o is undefined',
    (value) => {
      expect(controlKind(value)).toBeUndefined();
    },
  );

  test('recognises what another copy of the module made', async () => {
    vi.resetModules();
    const copy = await import('./control.ts');
    expect(copy.skip).not.toBe(skip);
    expect(controlKind(copy.skip('a'))).toBe('skip');
    expect(copy.controlKind(cancel('b'))).toBe('cancel');
  });
});

describe('a stage that returns what it parsed', () => {
  const { body } = inputs<{ body: string }>();
  const parsed = stage('parsed', { needs: { body }, run: ({ body }): unknown => JSON.parse(body) });
  const parsing = pipeline('parsing', { outputs: { parsed } });

  test.each(made.map((control) => [controlKind(control), JSON.stringify(control)]))(
    'completes with the JSON form of %s: it is no control value',
    async (_, body) => {
      const run = await parsing.run({ body });
      expect(run.status).toBe('completed');
      expect(run.outputs.parsed).toEqual(JSON.parse(body));
    },
  );

  test.each([
    '{"Symbol(stageflow.control)":"cancel","reason":"x"}',
    '{"stageflow.control":"cancel","reason":"x"}',
    '{"@@stageflow.control":"cancel","reason":"x"}',
    '{"__proto__":{"stageflow.control":"cancel"},"reason":"x"}',
    '{"constructor":{"prototype":{"reason":"x"}}}',
  ])('completes with %s, which tries to be one', async (body) => {
    expect((await parsing.run({ body })).status).toBe('completed');
    expect(Object.hasOwn(Object.prototype, 'reason')).toBe(false);
  });

  test('is stopped by a real one', async () => {
    const stopping = pipeline('stopping', { outputs: { it: stage('it', { run: () => cancel('enough') }) } });
    expect(await stopping.run({})).toMatchObject({ status: 'cancelled', reason: 'enough' });
  });
});
