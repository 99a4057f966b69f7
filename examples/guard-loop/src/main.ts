import { topicOf } from '@stageflow/core';
import { answerComplaint } from './pipeline.ts';

const drafts = ['That is your own fault.', 'We are sorry about the clock. It was made by hand. No two of ours show the same time.'];
const sink = {
  name: 'console',
  emit: (event: Parameters<typeof topicOf>[0]) => {
    if (event.type.startsWith('guarded.')) console.log(`${topicOf(event)} ${'reason' in event ? event.reason : ''}`.trim());
  },
};

const run = await answerComplaint.runOrThrow(
  { complaint: 'my clock is late' },
  { services: { model: { write: async () => drafts.shift() ?? 'Nothing to say.' } }, sinks: [sink] },
);

console.log(run.outputs.fitting);
for (const { path, status } of run.stages.values()) console.log(`${path.padEnd(22)} ${status}`);
