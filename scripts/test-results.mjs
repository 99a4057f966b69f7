import { readFileSync } from 'node:fs';

/**
 * @typedef {object} TestCounts
 * @property {number} passed
 * @property {number} failed
 * @property {number} skipped Skipped and todo.
 */

/**
 * The counts of vitest's JSON report; zeros if there is none.
 *
 * @param {string} file
 * @returns {TestCounts}
 */
export function readTestCounts(file) {
  try {
    const report = JSON.parse(readFileSync(file, 'utf8'));
    return {
      passed: report.numPassedTests,
      failed: report.numFailedTests,
      skipped: report.numPendingTests + report.numTodoTests,
    };
  } catch {
    return { passed: 0, failed: 0, skipped: 0 };
  }
}

/**
 * The closing line, and whether all is well.
 *
 * A red step counts as one failure: also the test step, if it is red with no failed test (a suite that did not load, a coverage
 * threshold), so the line never looks green by mistake.
 *
 * @param {TestCounts} tests
 * @param {readonly import('./steps.mjs').StepRecord[]} steps
 * @param {string} testStep The name of the step that ran the tests.
 * @returns {{ readonly line: string, readonly green: boolean }}
 */
export function summarise(tests, steps, testStep) {
  const redSteps = steps.filter((step) => !step.passed && !(step.name === testStep && tests.failed > 0));
  const failed = tests.failed + redSteps.length;
  return {
    line: `${tests.passed} passed, ${failed} failed${tests.skipped > 0 ? `, ${tests.skipped} skipped` : ''}`,
    green: failed === 0 && tests.passed > 0,
  };
}
