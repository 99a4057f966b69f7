import { inputs, pipeline, services, stage, suspend, work } from '@stageflow/core';
import { z } from 'zod';

/** What a person says about an expense. */
export const Decision: z.ZodType<{ readonly approved: boolean; readonly by: string }> = z.object({ approved: z.boolean(), by: z.string() });

const { expense } = inputs({ expense: z.object({ who: z.string(), amount: z.number() }) });
const { say } = services<{ say: (line: string) => void }>();

const checked = stage('checked', {
  needs: { expense, say },
  run: ({ expense, say }) => {
    say(`checking ${expense.amount} for ${expense.who}`);
    return { ...expense, needsApproval: expense.amount > 100 };
  },
});

// Called twice: without an answer it asks, and the run rests; with one it goes on.
const decided = stage('decided', {
  needs: { checked },
  run: ({ checked }, { answer }) => {
    if (!checked.needsApproval) return { approved: true, by: 'the rules' };
    return answer(Decision) ?? suspend({ question: `Pay ${checked.amount} to ${checked.who}?` });
  },
});

const paid = work('paid', {
  needs: { checked, decided, say },
  run: ({ checked, decided, say }, { idempotencyKey }) => {
    if (!decided.approved) return `refused by ${decided.by}`;
    // A bank takes the key, and knows a payment that it has made already.
    say(`paying with key ${idempotencyKey}`);
    return `paid ${checked.amount} to ${checked.who}, approved by ${decided.by}`;
  },
});

export const expenses = pipeline('expenses', { outputs: { paid } });
