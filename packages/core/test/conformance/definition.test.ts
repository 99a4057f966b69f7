import { createRuntime, pipeline, stage } from '@stageflow/core';
import { definePipeline } from '@stageflow/core/define';
import { describe, expect, test } from 'vitest';

const run = () => 1;

/** Makes a pipeline of stages that stand behind the named ones. */
function define(after: Readonly<Record<string, readonly string[]>>) {
  return definePipeline({
    name: 'p',
    stages: Object.entries(after).map(([name, names]) => ({ name, after: names, run })),
    outputs: Object.fromEntries(Object.keys(after).map((name, index) => [`output-${index}`, name])),
  });
}

describe('definePipeline()', () => {
  test('[87] missing dependencies and circles of two and three are refused when the pipeline is made', () => {
    expect(() => define({ a: [], b: ['a'], c: ['a', 'b'] })).not.toThrow();
    expect(() => define({ a: ['gone'] })).toThrow('names the stage "gone", which this pipeline does not have');
    expect(() => define({ a: ['b'], b: ['a'] })).toThrow('in a circle: a -> b -> a.');
    expect(() => define({ a: ['c'], b: ['a'], c: ['b'] })).toThrow('in a circle: a -> c -> b -> a.');
  });

  test.each([
    ['an empty name', { '': [] }, 'it is empty'],
    ['a blank name', { '  ': [] }, 'it begins or ends with white space'],
    ['a stage that needs itself', { a: ['a'] }, 'in a circle: a -> a.'],
  ])('[89] %s is refused', (_, after, words) => {
    expect(() => define(after)).toThrow(words);
  });
});

describe('createRuntime()', () => {
  const made = (name: string) => pipeline(name, { outputs: { it: stage('it', { run: () => name }) } });

  test('[95] a pipeline it does not have is refused with the nearest name, and those it has are listed', async () => {
    const runtime = createRuntime({ pipelines: [made('chat'), made('search')] });

    await expect(runtime.run(made('chats'), {})).rejects.toMatchObject({
      code: 'SF_PIPELINE_UNKNOWN',
      message: 'This runtime has no pipeline "chats".',
      hint: 'Did you mean "chat"?',
    });
    expect([...runtime.pipelines.keys()]).toEqual(['chat', 'search']);
  });

  test('[96] two different pipelines of one name are an error, the same one twice is listed once, a hundred are found', async () => {
    const chat = made('chat');
    expect(() => createRuntime({ pipelines: [chat, made('chat')] })).toThrow(expect.objectContaining({ code: 'SF_DUPLICATE_PIPELINE' }));
    expect([...createRuntime({ pipelines: [chat, chat] }).pipelines.keys()]).toEqual(['chat']);

    const hundred = Array.from({ length: 100 }, (_, index) => made(`パイプ ${index}`));
    const runtime = createRuntime({ pipelines: hundred });
    expect(runtime.pipelines.size).toBe(100);
    for (const each of hundred) expect(runtime.pipelines.get(each.name)).toBe(each);
    expect(runtime.pipelines.has('chat')).toBe(false);
    expect(await runtime.run(hundred[99] as (typeof hundred)[number], {})).toMatchObject({ outputs: { it: 'パイプ 99' } });
  });

  test('[97] the pipelines of one runtime are those it was made with, and not those of another', () => {
    const one = createRuntime({ pipelines: [made('chat')] });
    const two = createRuntime({ pipelines: [] });

    expect([one.pipelines.has('chat'), two.pipelines.has('chat')]).toEqual([true, false]);
  });
});
