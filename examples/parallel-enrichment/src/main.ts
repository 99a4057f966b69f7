import { welcomeBack } from './pipeline.ts';
import { shopOnABadDay } from './shop.ts';

const run = await welcomeBack.runOrThrow({ customerId: 'c-1' }, { services: { shop: shopOnABadDay() } });

console.log(run.outputs.welcome);
for (const { stage, status, attempts } of run.stages.values()) {
  console.log(`${stage.padEnd(12)} ${status.padEnd(10)} attempts: ${attempts}`);
}
