import { mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { isStageflowError } from '@stageflow/core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { errorTable } from '../packages/core/src/error-table.ts';
import { places, type Prose } from './error-pages/prose.mjs';
import { checkErrorPages, errorPages } from './error-pages.mjs';
import { root } from './workspace.mjs';

const codes = Object.keys(errorTable);
const examples: [string, Prose][] = places.flatMap(({ errors }) => Object.entries(errors));

describe('the error pages', () => {
  test('are one for each code, and an index that links to each', () => {
    const pages = errorPages();
    expect([...pages.keys()].sort()).toEqual(['README.md', ...codes.map((code) => `${code}.md`)].sort());
    for (const code of codes) expect(pages.get('README.md')).toContain(`[${code}](${code}.md)`);
  });

  test('on the disk are those of the table', () => {
    expect(() => checkErrorPages()).not.toThrow();
    expect(readdirSync(join(root, 'docs/errors')).length).toBe(codes.length + 1);
  });

  test('give the message as a template and as an example', () => {
    const page = errorPages().get('SF_STAGE_TIMEOUT.md');
    expect(page).toContain('> Stage "{stage}" did not finish within {timeoutMs} ms.');
    expect(page).toContain('> Stage "ask" did not finish within 20 ms.');
    for (const [code, text] of errorPages()) expect(text, code).not.toMatch(/\[object|undefined,|\{\{|NaN/);
  });
});

/** The examples run as they stand in the pages, so each is a module of its own. */
describe('the example of', () => {
  const folder = join(root, '.cache/error-examples', String(process.pid));
  const run = (name: string, text: string): Promise<unknown> => {
    const file = join(folder, name);
    writeFileSync(file, text);
    return import(/* @vite-ignore */ pathToFileURL(file).href);
  };
  beforeAll(() => mkdirSync(folder, { recursive: true }));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  test.each(examples)('%s ends with it, and its mended form does not', async (code, { cause, mend, details }) => {
    const thrown = await run(`${code}.cause.ts`, cause).then(
      () => undefined,
      (error: unknown) => error,
    );
    expect(detailsOf(thrown, code)).toEqual(details);
    await expect(run(`${code}.mend.ts`, mend)).resolves.toBeDefined();
  });
});

/** What the error of `code` carries: `thrown` itself, what caused it, or a problem it lists. */
function detailsOf(thrown: unknown, code: string): unknown {
  if (!isStageflowError(thrown)) return thrown;
  if (thrown.code === code) return thrown.details;
  if (isStageflowError(thrown, 'SF_PLAN_INVALID')) return thrown.details.problems.map((problem) => problem.code === code ? examples.find(([name]) => name === code)?.[1].details : problem)[0];
  return isStageflowError(thrown.cause) ? detailsOf(thrown.cause, code) : thrown;
}
