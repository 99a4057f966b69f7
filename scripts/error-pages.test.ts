import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { isStageflowError } from '@stageflow/core';
import { describe, expect, test } from 'vitest';
import { type Prose, places } from './error-pages/prose.mjs';
import { checkErrorPages, entries, errorPages } from './error-pages.mjs';
import { pageModules } from './page-modules.ts';
import { root } from './workspace.mjs';

const codes = Object.keys(entries);
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
    for (const [code, text] of errorPages()) expect(text, code).not.toMatch(/^> .*(\[object|"undefined"|NaN)/m);
  });
});

/** The examples run as they stand in the pages, so each is a module of its own. */
describe('the example of', () => {
  const run = pageModules('error-examples');

  test.each(examples)('%s ends with it, and its mended form does not', async (code, { cause, mend, details }) => {
    const thrown = await run(`${code}.cause.ts`, cause).then(
      () => undefined,
      (error: unknown) => error,
    );
    expect(messageOf(thrown, code)).toBe(entries[code]?.message(details));
    await expect(run(`${code}.mend.ts`, mend)).resolves.toBeDefined();
  });
});

/** The message of `code`: of `thrown` itself, of what caused it, or of a problem it lists. */
function messageOf(thrown: unknown, code: string): unknown {
  if (!isStageflowError(thrown)) return thrown;
  if (thrown.code === code) return thrown.message;
  if (isStageflowError(thrown, 'SF_PLAN_INVALID'))
    return thrown.details.problems.find((problem) => problem.code === code)?.message ?? thrown;
  return messageOf(thrown.cause, code) ?? thrown;
}
