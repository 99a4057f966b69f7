// Goes on with the run that a process has left when it died, wherever that was, until it has ended.
import { setTimeout as sleep } from 'node:timers/promises';
import { openHost } from './host.ts';

const [folder = '.', killAt] = process.argv.slice(2);
const { runtime, store } = openHost(folder, killAt);
const statusNow = async () => (await store.load('rome', undefined))?.status;
while ((await statusNow()) === 'running') {
  // The process that was killed holds the run until its lease has run out.
  await sleep(100);
  const { refused } = await runtime.recover();
  for (const { error } of refused) throw error;
}
console.log(`  the run has ${await statusNow()}`);
await runtime.close();
store.close();
