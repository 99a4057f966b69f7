import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { answerLetter, type Shop } from './pipeline.ts';

const shop: Shop = { livePrice: async () => 10, printedPrice: () => 12, stock: async () => 1 };

describe('answerLetter', () => {
  test('takes the arm that the letter calls for, and asks for nothing else', async () => {
    const run = await answerLetter.runOrThrow({ letter: 'It is broken.' }, { services: { shop } });
    expect(run.outputs.receipt).toBe('Dear customer. We are sorry. Send it back and we will mend it.');
    const skipped = ['item', 'stock', 'live price', 'printed price', 'price', 'order', 'question'];
    expect(skipped.map((name) => run.stages.get(name)?.status)).toEqual(skipped.map(() => 'skipped'));
  });

  test('asks for the printed price only where the live one fails', async () => {
    const letter = 'buy abacus';
    const live = await answerLetter.runOrThrow({ letter }, { services: { shop } });
    expect(live.outputs.receipt).toBe('Dear customer. One abacus for 10 is on its way.');
    expect(live.stages.get('printed price')?.status).toBe('skipped');
    const broken = { ...shop, livePrice: () => Promise.reject(new Error('down')) };
    const printed = await answerLetter.runOrThrow({ letter }, { services: { shop: broken } });
    expect(printed.outputs.receipt).toBe('Dear customer. One abacus for 12 is on its way.');
    expect(printed.errors.map(({ path }) => path)).toEqual(['live price']);
  });

  test('answers three letters when started by itself', () => {
    const main = fileURLToPath(new URL('main.ts', import.meta.url));
    const printed = execFileSync(process.execPath, ['--conditions=@stageflow/source', main], { encoding: 'utf8' });
    expect(printed.split('\n')).toEqual([
      'Dear customer. One slide rule for 12 is on its way.',
      '  intent, item, stock, live price, printed price, price, order, reply, receipt',
      'Dear customer. We are sorry. Send it back and we will mend it.',
      '  intent, complaint, reply, receipt',
      'Dear customer. You asked: When do you open? We will find out.',
      '  intent, question, reply, receipt',
      '',
    ]);
  });
});
