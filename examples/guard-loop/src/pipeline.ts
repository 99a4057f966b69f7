import { block, fallback, guard, guarded, inputs, loop, pass, pipeline, services, stage } from '@stageflow/core';

/** Writes text. */
export interface Model {
  write(prompt: string, signal: AbortSignal): Promise<string>;
}

const { complaint } = inputs<{ complaint: string }>();
const { model } = services<{ model: Model }>();

const drafted = guarded(
  'drafted',
  (feedback) => {
    const draft = stage('draft', {
      kind: 'agent',
      needs: { complaint, model, feedback },
      run: ({ complaint, model, feedback }, { signal }) => {
        const lesson = feedback === undefined ? '' : ` Not like "${feedback.value}": ${feedback.reason}.`;
        return model.write(`Answer: ${complaint}.${lesson}`, signal);
      },
    });
    return guard('tone', {
      subject: draft,
      check: ({ subject }) => (/\bsorry\b/i.test(subject) ? pass() : block('it does not apologise')),
    });
  },
  { attempts: 3, stagnation: 1 },
);

const written = stage('written by a person', { run: () => 'We are sorry. Somebody will call you today.' });
const reply = fallback('reply', drafted, written);

// What one turn yields is the state of the next.
const fitting = loop('fitting', reply, (text) => stage('shorten', { needs: { text }, run: ({ text }) => withoutLastSentence(text) }), {
  until: (text) => text.length <= 60,
  maxTurns: 5,
  onExhausted: 'keep',
});

/** Answers a complaint politely, and briefly. */
export const answerComplaint = pipeline('answer complaint', { outputs: { fitting } });

function withoutLastSentence(text: string): string {
  const sentences = text.match(/[^.]+\.\s*/g) ?? [text];
  return text.length <= 60 || sentences.length === 1 ? text : sentences.slice(0, -1).join('').trim();
}
