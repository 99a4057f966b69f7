import { inputs, pipeline, stage, suspend, work } from '@stageflow/core';
import { z } from 'zod';

/** What a person says about an expense. */
export const Decision: z.ZodType<{ readonly approved: boolean }> = z.strictObject({ approved: z.boolean() });

// What comes over HTTP can be anything: it is read where the run begins, or refused there.
const Expense = z.unknown().pipe(z.strictObject({ who: z.string().min(1), what: z.string().min(1), amount: z.number().positive() }));

const { expense } = inputs({ expense: Expense });

// Called twice: without a decision it asks, and the run rests; with one it goes on.
const decided = stage('decided', {
  needs: { expense },
  run: ({ expense: { who, what, amount } }, { answer }) =>
    answer(Decision) ?? suspend({ question: `Pay ${amount} to ${who} for ${what}?` }),
});

const paid = work('paid', {
  needs: { expense, decided },
  run: ({ expense: { who, amount }, decided }) => (decided.approved ? `paid ${amount} to ${who}` : `${who} was not paid`),
});

export const expenses = pipeline('expenses', { outputs: { paid } });
