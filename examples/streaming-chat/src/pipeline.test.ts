import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { createRuntime, type RunEvent } from '@stageflow/core';
import { describe, expect, test } from 'vitest';
import { chat } from './pipeline.ts';
import { type Model, scriptedModel, scriptedVoice } from './services.ts';

/** Runs one turn and keeps its events. */
async function turn(client: Model) {
  const runtime = createRuntime({ pipelines: [chat], services: { client, voice: scriptedVoice } });
  const handle = runtime.start(chat, { text: 'Hello' });
  const events: RunEvent[] = [];
  for await (const event of handle.events()) events.push(event);
  return { events, run: await handle.result };
}

function at(events: readonly RunEvent[], type: RunEvent['type'], stage: string): number {
  return events.findIndex((event) => event.type === type && 'stage' in event && event.stage === stage);
}

describe('streaming chat', () => {
  test('shows the first token, and sounds the first sentence, before the model has ended', async () => {
    const { events, run } = await turn(scriptedModel('I am here. Speak up!', 1));
    const ended = at(events, 'stage.completed', 'model');
    expect(at(events, 'stream.chunk', 'model')).toBeGreaterThan(0);
    expect(at(events, 'stream.chunk', 'model')).toBeLessThan(at(events, 'stream.chunk', 'speech'));
    expect(at(events, 'stream.chunk', 'speech')).toBeLessThan(ended);
    expect(at(events, 'stage.started', 'answer')).toBeGreaterThan(ended);
    expect(run).toMatchObject({ status: 'completed', outputs: { answer: 'I am here. Speak up!', speech: { bytes: 190 } } });
  });

  test('gives the tokens in order, and the same text in the end', async () => {
    const { events, run } = await turn(scriptedModel('one two three four.', 0));
    const tokens = events.flatMap((event) => (event.type === 'stream.chunk' && event.stage === 'model' ? [event.chunk] : []));
    expect(tokens).toEqual(['one ', 'two ', 'three ', 'four.']);
    expect(run.outputs).toMatchObject({ answer: tokens.join('') });
  });

  test('keeps the tokens of a model that fails midway', async () => {
    const client: Model = {
      async *stream() {
        yield 'Looms ';
        yield 'weave ';
        throw new Error('the line went dead');
      },
    };
    const { run } = await turn(client);
    expect(run.status === 'failed' && run.error.message).toContain('the line went dead');
    expect(run.stages.get('model')).toMatchObject({ chunks: 2, outcome: { status: 'failed', partial: ['Looms ', 'weave '] } });
  });

  test('speaks when started by itself', () => {
    const main = fileURLToPath(new URL('main.ts', import.meta.url));
    const printed = execFileSync(process.execPath, ['--conditions=@stageflow/source', main], { encoding: 'utf8' });
    expect(printed).toBe(
      'Looms weave cloth. [180 bytes] Engines weave numbers! [220 bytes] Shall we go on?[150 bytes] (the model has ended)\n' +
        'Looms weave cloth. Engines weave numbers! Shall we go on?\n550 bytes of sound\n',
    );
  });
});
