import { answerLetter, type Shop } from './pipeline.ts';

const shop: Shop = {
  livePrice: () => Promise.reject(new Error('the price list is down')),
  printedPrice: () => 12,
  stock: async () => 3,
};

for (const letter of ['buy slide rule', 'My abacus is broken.', 'When do you open?']) {
  const { outputs, stages } = await answerLetter.runOrThrow({ letter }, { services: { shop } });
  console.log(outputs.receipt);
  const asked = [...stages.values()].filter(({ attempts }) => attempts > 0).map(({ path }) => path);
  console.log(`  ${asked.join(', ')}`);
}
