import { performance } from 'node:perf_hooks';

/**
 * @typedef {{ readonly name: string, readonly passed: boolean, readonly seconds: number }} StepRecord
 * @typedef {(name: string, body: () => unknown) => Promise<boolean>} RunStep
 */

/**
 * Named steps that run one after another. A step that throws is red; the steps after it run all the same.
 *
 * @returns {{ readonly run: RunStep, readonly records: readonly StepRecord[], table(): string }}
 */
export function createSteps() {
  /** @type {StepRecord[]} */
  const records = [];
  return {
    records,
    async run(name, body) {
      const startedAt = performance.now();
      console.log(`\n== ${name}`);
      let passed = true;
      try {
        await body();
      } catch (error) {
        passed = false;
        console.error(error instanceof Error ? error.message : error);
      }
      records.push({ name, passed, seconds: (performance.now() - startedAt) / 1000 });
      return passed;
    },
    table: () =>
      records.map(({ name, passed, seconds }) => `${passed ? 'ok  ' : 'FAIL'} ${seconds.toFixed(1).padStart(6)} s  ${name}`).join('\n'),
  };
}
