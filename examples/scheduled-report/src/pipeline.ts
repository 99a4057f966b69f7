import { inputs, pipeline, services, stage, work } from '@stageflow/core';

const { at } = inputs<{ at: number }>();
const { say } = services<{ say: (line: string) => void }>();

const readers = stage('readers', {
  needs: { say },
  run: ({ say }) => {
    say('looking up who reads the report');
    return ['Ada', 'Grace'];
  },
});

// Nothing else: what a stage does before it sleeps, it does again when it is woken.
const due = stage('due', { needs: { at }, run: ({ at }, { sleepUntil }) => sleepUntil(at) });

const figures = stage('figures', {
  needs: { say },
  after: [due],
  run: ({ say }) => {
    say('counting what was sold until now');
    return { sold: 42 };
  },
});

const sent = work('sent', {
  needs: { readers, figures, say },
  run: ({ readers, figures, say }, { idempotencyKey }) => {
    say(`sending with key ${idempotencyKey}`);
    return `${figures.sold} sold, sent to ${readers.join(' and ')}`;
  },
});

/** A report that is made at a time, in whichever process there is by then. */
export const report = pipeline('report', { outputs: { sent } });
