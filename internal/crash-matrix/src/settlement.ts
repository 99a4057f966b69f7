import {
  guard,
  inputs,
  map,
  pass,
  pipeline,
  review,
  type Schema,
  type StageContext,
  services,
  stage,
  suspend,
  work,
} from '@stageflow/core';

/** What the stages of a settlement do to the world, and how they are seen at it. */
export interface Office {
  /** Notes that a stage is called, before it does anything. */
  called(context: StageContext): Promise<void>;
  /** Does something under the key of the stage. */
  act(context: StageContext): Promise<void>;
  /** Books an amount by a run of the ledger below this one: begun, gone on with, or found ended. */
  book(context: StageContext, amount: number): Promise<number>;
}

/** How long a settlement rests: longer than the lease, so that it holds no process meanwhile. */
export const restMs = 60;

/** For how long a process holds a run. */
export const leaseMs = 40;

const approval: Schema<unknown, { approved: boolean }> = {
  '~standard': { version: 1, vendor: 'test', validate: (value) => ({ value: value as { approved: boolean } }) },
};

const { office } = services<{ office: Office }>();
const { invoices, amount } = inputs<{ invoices: readonly number[]; amount: number }>();

const entry = stage('entry', {
  needs: { amount, office },
  run: async ({ amount, office }, context) => {
    await office.called(context);
    return amount * 2;
  },
});
const posted = work('posted', {
  needs: { entry, office },
  run: async ({ entry, office }, context) => {
    await office.called(context);
    await office.act(context);
    return entry;
  },
});

/** The run that a settlement starts below itself. */
export const ledger = pipeline('ledger', { outputs: { posted } });

const checked = stage('checked', {
  needs: { invoices, office },
  run: async ({ invoices, office }, context) => {
    await office.called(context);
    return invoices.filter((invoice) => invoice > 0);
  },
});
const charged = map(
  'charged',
  checked,
  (invoice) => {
    const price = stage('price', {
      needs: { invoice, office },
      run: async ({ invoice, office }, context) => {
        await office.called(context);
        return invoice * 10;
      },
    });
    return work('charge', {
      needs: { price, office },
      run: async ({ price, office }, context) => {
        await office.called(context);
        await office.act(context);
        return price + 1;
      },
    });
  },
  { key: (invoice) => `inv-${invoice}`, concurrency: 2 },
);
const total = stage('total', {
  needs: { charged, office },
  run: async ({ charged, office }, context) => {
    await office.called(context);
    return charged.reduce((sum, each) => sum + each, 0);
  },
});
const cleared = guard('cleared', {
  subject: total,
  needs: { office },
  check: async ({ subject, office }, context) => {
    await office.called(context);
    return subject > 0 ? review({ subject }) : pass();
  },
});
const approved = stage('approved', {
  needs: { total, office },
  run: async ({ total, office }, context) => {
    await office.called(context);
    return context.answer(approval) ?? suspend({ question: 'Pay this out?', total });
  },
});
const rate = stage('rate', {
  needs: { amount, office },
  run: async ({ amount, office }, context) => {
    await office.called(context);
    return amount + 0.5;
  },
});
const converted = stage('converted', {
  needs: { cleared, approved, office },
  run: async ({ cleared, approved, office }, context) => {
    await office.called(context);
    return approved.approved ? context.call(rate, { amount: cleared, office }) : 0;
  },
});
const rested = stage('rested', {
  needs: { converted, office },
  run: async ({ converted, office }, context) => {
    await office.called(context);
    await context.sleepUntil(context.now() + restMs);
    return converted;
  },
});
const booked = work('booked', {
  needs: { rested, office },
  run: async ({ rested, office }, context) => {
    await office.called(context);
    return office.book(context, rested);
  },
});
const notified = work('notified', {
  needs: { rested, office },
  run: async ({ rested, office }, context) => {
    await office.called(context);
    await office.act(context);
    return `told of ${rested}`;
  },
});
const paid = work('paid', {
  needs: { booked, office },
  run: async ({ booked, office }, context) => {
    await office.called(context);
    await office.act(context);
    return booked;
  },
});
const summary = stage('summary', {
  needs: { paid, notified, total, office },
  run: async ({ paid, notified, total, office }, context) => {
    await office.called(context);
    return { paid, notified, total };
  },
});
const archived = work('archived', {
  needs: { summary, office },
  run: async ({ summary, office }, context) => {
    await office.called(context);
    await office.act(context);
    return summary.total;
  },
});

/**
 * Twelve stages that have everything a kept run can have: pure ones, items that are charged two at a time, a review and a
 * question, a call, a rest, a run below, and effects.
 */
export const settlement = pipeline('settlement', { outputs: { summary, archived, charged } });
