import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { answerComplaint } from './pipeline.ts';

/** A model that writes these one after the other, and keeps what it was asked. */
function modelOf(...drafts: readonly string[]) {
  const prompts: string[] = [];
  return { prompts, write: async (prompt: string) => drafts[prompts.push(prompt) - 1] ?? 'Nothing to say.' };
}

const complaint = 'it broke';

describe('answerComplaint', () => {
  test('takes the first draft that apologises, and tells the model what was wrong before', async () => {
    const model = modelOf('No.', 'Sorry.');
    const { outputs } = await answerComplaint.runOrThrow({ complaint }, { services: { model } });
    expect(outputs.fitting).toBe('Sorry.');
    expect(model.prompts).toEqual(['Answer: it broke.', 'Answer: it broke. Not like "No.": it does not apologise.']);
  });

  test.each([
    ['three drafts', ['No.', 'Never.', 'Not at all.'], 'attempts', 3],
    ['two equal drafts', ['No.', 'No.'], 'stagnation', 2],
  ] as const)('sends what a person wrote after %s that do not apologise', async (_, drafts, spent, count) => {
    const model = modelOf(...drafts);
    const run = await answerComplaint.runOrThrow({ complaint }, { services: { model } });
    expect(run.outputs.fitting).toBe('We are sorry. Somebody will call you today.');
    expect(run.errors).toMatchObject([{ code: 'SF_GUARD_EXHAUSTED', details: { spent, attempts: count } }]);
    expect(model.prompts).toHaveLength(count);
  });

  test('leaves out sentences until it fits', async () => {
    const model = modelOf(`Sorry about that. ${'It was the postman who did it. '.repeat(3)}`);
    const run = await answerComplaint.runOrThrow({ complaint }, { services: { model } });
    expect(run.outputs.fitting).toBe('Sorry about that. It was the postman who did it.');
    expect(run.stages.get('fitting[2]/shorten')?.status).toBe('completed');
  });

  test('tells of the draft that was sent back when started by itself', () => {
    const main = fileURLToPath(new URL('main.ts', import.meta.url));
    const printed = execFileSync(process.execPath, ['--conditions=@stageflow/source', main], { encoding: 'utf8' });
    expect(printed.split('\n')).toEqual([
      'guard_retry.attempt it does not apologise',
      'guard_retry.scheduled it does not apologise',
      'guard_retry.recovered',
      'We are sorry about the clock. It was made by hand.',
      'drafted                completed',
      'drafted[1]/draft       completed',
      'drafted[1]/tone        blocked',
      'drafted[2]/draft       completed',
      'drafted[2]/tone        completed',
      'written by a person    skipped',
      'reply                  completed',
      'fitting                completed',
      'fitting[1]/shorten     completed',
      '',
    ]);
  });
});
