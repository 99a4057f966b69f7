import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { readTestCounts, summarise } from './test-results.mjs';

const green = (name: string) => ({ name, passed: true, seconds: 1 });
const red = (name: string) => ({ name, passed: false, seconds: 1 });

describe('summarise()', () => {
  test('is green when every test and every step passed', () => {
    expect(summarise({ passed: 7, failed: 0, skipped: 0 }, [green('lint'), green('tests')], 'tests')).toEqual({
      line: '7 passed, 0 failed',
      green: true,
    });
  });

  test('counts each red step as a failure', () => {
    expect(summarise({ passed: 7, failed: 0, skipped: 0 }, [red('lint'), red('build'), green('tests')], 'tests')).toEqual({
      line: '7 passed, 2 failed',
      green: false,
    });
  });

  test('counts failed tests instead of the step that ran them', () => {
    expect(summarise({ passed: 7, failed: 3, skipped: 1 }, [red('lint'), red('tests')], 'tests').line).toBe(
      '7 passed, 4 failed, 1 skipped',
    );
  });

  test('counts the test step when it is red with no failed test', () => {
    expect(summarise({ passed: 7, failed: 0, skipped: 0 }, [red('tests')], 'tests').line).toBe('7 passed, 1 failed');
  });

  test('is not green when no test ran', () => {
    expect(summarise({ passed: 0, failed: 0, skipped: 0 }, [green('tests')], 'tests').green).toBe(false);
  });
});

describe('readTestCounts()', () => {
  test('reads the JSON report of vitest', () => {
    const file = join(mkdtempSync(join(tmpdir(), 'stageflow-')), 'vitest.json');
    writeFileSync(file, JSON.stringify({ numPassedTests: 5, numFailedTests: 1, numPendingTests: 2, numTodoTests: 3 }));
    expect(readTestCounts(file)).toEqual({ passed: 5, failed: 1, skipped: 5 });
  });

  test('gives zeros when the report is missing', () => {
    expect(readTestCounts(join(tmpdir(), 'stageflow-no-such-report.json'))).toEqual({ passed: 0, failed: 0, skipped: 0 });
  });
});
