import { inputs, pipeline, services, stage, suspend, work } from '@stageflow/core';
import { z } from 'zod';

/** What a person is asked. */
export const Question = z.object({ question: z.string() });

/** What a person says. */
export const Decision = z.object({ approved: z.boolean(), by: z.string() });

const { refund } = inputs({ refund: z.object({ order: z.string(), amount: z.number().positive() }) });
const { bank } = services<{ bank: { pay(amount: number, key: string): Promise<void> } }>();

// Called twice for a large refund: without an answer it asks and the run rests, with one it goes on.
export const approval = stage('approval', {
  needs: { refund },
  run: ({ refund }, { answer }) => {
    if (refund.amount <= 100) return { approved: true, by: 'the rules' };
    return answer(Decision) ?? suspend({ question: `Refund ${refund.amount} for order ${refund.order}?` });
  },
});

// An effect. Its key is the same in whichever process it runs, so that the bank can tell a repetition.
export const payment = work('payment', {
  needs: { refund, approval, bank },
  run: async ({ refund, approval, bank }, { idempotencyKey }) => {
    if (!approval.approved) return `refused by ${approval.by}`;
    await bank.pay(refund.amount, idempotencyKey);
    return `paid ${refund.amount}, approved by ${approval.by}`;
  },
});

export const refunds = pipeline('refunds', { outputs: { payment } });
