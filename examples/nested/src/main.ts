import { digest } from './digest.ts';
import type { Model } from './summarize.ts';

/** A model that takes its time, and stops when it is told to. */
function modelOf(name: string, ms: number): Model {
  return {
    title: (text, signal) =>
      new Promise((resolve, reject) => {
        const timer = setTimeout(() => resolve(`${text.split(' ').slice(0, 2).join(' ')} (${name})`), ms);
        signal.addEventListener('abort', () => {
          clearTimeout(timer);
          reject(signal.reason);
        });
      }),
  };
}

const news = [
  { id: 'a-1', text: 'Loom sings at night. Neighbours are pleased.' },
  { id: 'a-2', text: 'Engine computes tides. The harbour is closed.' },
];

const services = { small: modelOf('small', 5), large: modelOf('large', 5_000) };
const run = await digest.runOrThrow({ news }, { services, maxConcurrency: 4 });

console.log(run.outputs.front.title);
for (const line of run.outputs.articles) console.log(`- ${line}`);
for (const { path, status } of run.stages.values()) if (path.startsWith('articles[a-2]')) console.log(`${path.padEnd(32)} ${status}`);
