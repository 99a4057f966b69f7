// What a module that exports its stages hands to others: declarations of a bounded size, that mean the same and can be read.
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Consumer, compilerVersions } from './consumer.mjs';
import { pipelineSource, stageSource } from './graph-source.mjs';

const sizes = [50, 200];
const graphOf = (stages: number) => ({ stages, shape: 'layers', inputs: 3 }) as const;

let consumer: Consumer;

beforeAll(async () => {
  consumer = await Consumer.create();
  for (const stages of sizes) consumer.write(`graph${stages}.ts`, stageSource(graphOf(stages)) + pipelineSource(graphOf(stages)));
}, 60_000);

afterAll(() => consumer.remove());

describe.each(compilerVersions)('TypeScript %s', (version) => {
  test('emits 200 exported stages and their pipeline, the same few bytes for each', { timeout: 60_000 }, async () => {
    const { diagnostics } = await consumer.compile(
      sizes.map((stages) => `graph${stages}.ts`),
      { version, emit: true },
    );
    expect(diagnostics).toEqual([]);
    const [few = 0, many = 0] = sizes.map((stages) => consumer.read(`graph${stages}.d.ts`).length / stages);
    expect(many).toBeLessThan(800);
    // Names grow by a digit.
    expect(many / few).toBeLessThan(1.1);
  });

  test('takes the emitted declarations for the same types', { timeout: 60_000 }, async () => {
    const reader = (version: string) => `import { pipeline, stage } from '@stageflow/core';
import { all, s199 } from './graph200.js';
const last = stage('last', { needs: { s199 }, run: ({ s199 }) => s199.n${version} });
export const run = pipeline('next', { outputs: { last } }).run({ i0: '', i1: '', i2: '' });
export const older = all.run({ i0: '', i1: '', i2: '' });
`;
    consumer.write('reader.ts', reader(''));
    consumer.write('wrong-reader.ts', reader('.none'));
    const { diagnostics } = await consumer.compile(['graph200.d.ts', 'reader.ts', 'wrong-reader.ts'], { version });
    expect(diagnostics.map(({ file, line, code }) => `${file}:${line} ${code}`)).toEqual(['wrong-reader.ts:3 TS2339']);
  });
});

test('a stage type that carried its needs would be told by the size of its declarations', { timeout: 60_000 }, async () => {
  const declaration = 'node_modules/@stageflow/core/stage.d.ts';
  const kept = consumer.read(declaration);
  const carrying = kept.replace(/F>, \{\s*readonly \[K in keyof N\]: N\[K\]\['~types'\]\['out'\];\s*\}> :/, 'F>, ValuesOf<N>> :');
  expect(carrying).not.toBe(kept);
  consumer.write(declaration, carrying.replace('Source }', 'Source, ValuesOf }'));
  try {
    consumer.write('graph15.ts', stageSource(graphOf(15)));
    consumer.write('graph18.ts', stageSource(graphOf(18)));
    const { diagnostics } = await consumer.compile(['graph15.ts', 'graph18.ts'], { emit: true });
    const bytesPerStage = (consumer.read('graph18.d.ts').length - consumer.read('graph15.d.ts').length) / 3;
    expect(diagnostics.some(({ code }) => code === 'TS7056') || bytesPerStage > 5_000).toBe(true);
  } finally {
    consumer.write(declaration, kept);
  }
});

test('the declarations of a pipeline with one of everything read as they did', { timeout: 60_000 }, async () => {
  const directory = fileURLToPath(new URL('.', import.meta.url));
  consumer.write('sample-pipeline.ts', readFileSync(`${directory}sample-pipeline.ts`, 'utf8'));
  const { diagnostics } = await consumer.compile(['sample-pipeline.ts'], { emit: true });
  expect(diagnostics).toEqual([]);
  const shown = consumer.read('sample-pipeline.d.ts').replaceAll('import("@stageflow/core").', '');
  await expect(shown).toMatchFileSnapshot('sample-pipeline.d.ts.golden');
});
