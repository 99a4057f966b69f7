import { createRuntime } from '@stageflow/core';
import { chat } from './pipeline.ts';
import { scriptedModel, scriptedVoice } from './services.ts';

const client = scriptedModel('Looms weave cloth. Engines weave numbers! Shall we go on?', 20);
const runtime = createRuntime({ pipelines: [chat], services: { client, voice: scriptedVoice } });
const handle = runtime.start(chat, { text: 'What did we speak of?' });

for await (const event of handle.events()) {
  if (event.type === 'stream.chunk' && event.stage === 'model') process.stdout.write(String(event.chunk));
  if (event.type === 'stream.chunk' && event.stage === 'speech') process.stdout.write(`[${(event.chunk as Uint8Array).length} bytes] `);
  if (event.type === 'stage.completed' && event.stage === 'model') console.log('(the model has ended)');
}

const run = await handle.result;
if (run.status === 'completed') console.log(`${run.outputs.answer}\n${run.outputs.speech.bytes} bytes of sound`);
await runtime.close();
