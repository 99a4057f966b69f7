import { branch, fallback, inputs, pipeline, route, services, stage } from '@stageflow/core';

/** What the shop asks. */
export interface Shop {
  livePrice(item: string, signal: AbortSignal): Promise<number>;
  printedPrice(item: string): number;
  stock(item: string): Promise<number>;
}

const { letter } = inputs<{ letter: string }>();
const { shop } = services<{ shop: Shop }>();

const intent = route('intent', {
  needs: { letter },
  run: ({ letter }) => (letter.startsWith('buy ') ? 'order' : letter.includes('broken') ? 'complaint' : 'question'),
});

const item = stage('item', { needs: { letter }, run: ({ letter }) => letter.slice('buy '.length) });
const stock = stage('stock', { kind: 'enrich', needs: { item, shop }, run: ({ item, shop }) => shop.stock(item) });

// The second is asked only where the first fails, and its failure is then no failure of the run.
const livePrice = stage('live price', {
  kind: 'enrich',
  needs: { item, shop },
  timeoutMs: 100,
  run: ({ item, shop }, { signal }) => shop.livePrice(item, signal),
});
const printedPrice = stage('printed price', { needs: { item, shop }, run: ({ item, shop }) => shop.printedPrice(item) });
const price = fallback('price', livePrice, printedPrice);

const order = stage('order', {
  needs: { item, stock, price },
  run: ({ item, stock, price }) => (stock > 0 ? `One ${item} for ${price} is on its way.` : `We are out of ${item}.`),
});
const complaint = stage('complaint', { run: () => 'We are sorry. Send it back and we will mend it.' });
const question = stage('question', { needs: { letter }, run: ({ letter }) => `You asked: ${letter} We will find out.` });

// Leave one of the three out, or misspell it, and the file does not compile.
const reply = branch('reply', intent, { order, complaint, question });

const receipt = stage('receipt', { needs: { reply }, run: ({ reply }) => `Dear customer. ${reply}` });

/** Answers a letter. */
export const answerLetter = pipeline('answer letter', { outputs: { receipt } });
