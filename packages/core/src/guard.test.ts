import { describe, expect, test, vi } from 'vitest';
import { skip } from './control.ts';
import { asVerdict, block, guard, pass, review, transform, type Verdict, verdictKind } from './guard.ts';
import { inputs } from './inputs.ts';
import { pipeline } from './pipeline.ts';

const { text } = inputs<{ text: string }>();

function judging(check: () => unknown) {
  return pipeline('judging', { outputs: { safe: guard('safe', { subject: text, check: check as () => Verdict }) } });
}

describe('asVerdict()', () => {
  test('tells the four apart', () => {
    const verdicts = [pass(), transform(1), block('no'), review('?')];
    expect(verdicts.map((verdict) => verdictKind(asVerdict(verdict) as Verdict))).toEqual(['pass', 'transform', 'block', 'review']);
  });

  test.each([[undefined], [null], [true], ['pass'], [{}], [{ verdict: 'pass' }], [skip('x')]])('of %o is undefined', (value) => {
    expect(asVerdict(value)).toBeUndefined();
  });

  test('of an object that does not say what it has is undefined', () => {
    const secretive = new Proxy(
      {},
      {
        has() {
          throw new Error('no');
        },
      },
    );
    expect(asVerdict(secretive)).toBeUndefined();
  });

  test('recognises what another copy of the module made', async () => {
    vi.resetModules();
    const copy = await import('./guard.ts');
    expect(copy.pass).not.toBe(pass);
    expect(await judging(() => copy.pass()).run({ text: 'hi' })).toMatchObject({ status: 'completed', outputs: { safe: 'hi' } });
  });
});

describe('a guard', () => {
  test('passes, transforms and blocks as its verdict says', async () => {
    expect(await judging(() => pass()).run({ text: 'hi' })).toMatchObject({ status: 'completed', outputs: { safe: 'hi' } });
    expect(await judging(() => transform('HI')).run({ text: 'hi' })).toMatchObject({ status: 'completed', outputs: { safe: 'HI' } });
    expect(await judging(() => block('no')).run({ text: 'hi' })).toMatchObject({ status: 'blocked', reason: 'no', outputs: {} });
  });

  test.each([
    ['undefined', undefined],
    ['null', null],
    ['true', true],
    ['a skip', skip('nothing to judge')],
    ['the JSON form of a pass', JSON.parse(JSON.stringify(pass()))],
    ['an object that tries to be a pass', JSON.parse('{"Symbol(stageflow.verdict)":"pass","stageflow.verdict":"pass"}')],
    ['a verdict of no known kind', { [Symbol.for('stageflow.verdict')]: 'maybe' }],
    ['the subject', 'hi'],
  ])('blocks where it returns %s', async (_, value) => {
    for (const returned of [() => value, async () => value]) {
      const run = await judging(returned).run({ text: 'hi' });
      expect(run).toMatchObject({ status: 'blocked', outputs: {} });
      expect(run.errors).toMatchObject([{ code: 'SF_GUARD_FAILED' }]);
    }
  });

  test('lets its check change nothing of what is judged', async () => {
    const { order } = inputs<{ order: number[] }>();
    const safe = guard('safe', {
      subject: order,
      check: (values) => {
        Reflect.set(values, 'subject', [666]);
        return pass();
      },
    });
    expect((await pipeline('shop', { outputs: { safe } }).runOrThrow({ order: [1] })).outputs.safe).toEqual([1]);
  });
});
