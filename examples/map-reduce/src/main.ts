import { type Library, wordCount } from './pipeline.ts';

const documents = new Map([
  ['stop-words.txt', 'a the of is'],
  ['a.txt', 'The engine weaves patterns.'],
  ['b.txt', 'A pattern is a pattern of the loom.'],
  ['c.txt', 'The loom weaves flowers.'],
]);

const library: Library = {
  read: async (file) => documents.get(file) ?? Promise.reject(new Error(`there is no ${file}`)),
};

const run = await wordCount.runOrThrow({ files: ['a.txt', 'b.txt', 'c.txt', 'd.txt'] }, { services: { library } });

for (const [word, times] of run.outputs.report.words.slice(0, 3)) console.log(`${word}: ${times}`);
console.log(`not read: ${run.outputs.report.unread.join(', ')}`);
for (const { path, status, attempts } of run.stages.values()) console.log(`${path.padEnd(20)} ${status.padEnd(10)} attempts: ${attempts}`);
