import { memoryRunStore } from '@stageflow/core';
import type { DueRun, RunStore } from '@stageflow/core/ports';
import { runStoreContract } from '@stageflow/testing';
import { expect, test } from 'vitest';

/** A store that breaks a promise of votes or pauses, and cases that say so. */
interface Mutant {
  readonly breaks: string;
  /** Methods in place of some of the memory store's own. */
  readonly change: (store: RunStore) => Partial<RunStore>;
  readonly caughtBy: readonly string[];
}

/** Another turn, in which others come between a look and what follows from it. */
const turn = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 0));

const mutants: readonly Mutant[] = [
  {
    breaks: 'keeps a vote whatever was voted since',
    change: (store) => ({
      vote: async (waitId, request, tenantId) => {
        const [wait] = await store.waits({ waitId, tenantId });
        return votedIn(store)(waitId, { ...request, after: wait?.votes?.length ?? 0 }, tenantId);
      },
    }),
    caughtBy: ['vote(): as somebody else has voted since is told so, and keeps nothing'],
  },
  {
    breaks: 'counts the votes and adds one in two steps',
    change: (store) => ({
      vote: async (waitId, request, tenantId) => {
        const count = async () => (await store.waits({ waitId, tenantId }))[0]?.votes?.length ?? 0;
        const isLate = (await count()) !== request.after;
        await turn();
        return votedIn(store)(waitId, { ...request, after: isLate ? request.after : await count() }, tenantId);
      },
    }),
    caughtBy: ['vote(): of many at once after as many votes, exactly one is kept'],
  },
  {
    breaks: 'takes what was voted for the answer',
    change: (store) => ({
      vote: (waitId, { answer, ...request }, tenantId) =>
        votedIn(store)(waitId, { ...request, answer: answer && request.vote.answer }, tenantId),
    }),
    caughtBy: ['vote(): answers the wait where it has an answer, which needs not be what was voted'],
  },
  {
    breaks: 'takes a vote for an answer',
    change: (store) => ({
      vote: (waitId, request, tenantId) => votedIn(store)(waitId, { ...request, answer: request.vote.answer }, tenantId),
    }),
    caughtBy: ['vote(): is kept with the wait, which stays open, in the order of the votes'],
  },
  {
    breaks: 'answers, and forgets the vote that did',
    change: (store) => ({
      vote: (waitId, request, tenantId) =>
        request.answer === undefined ? votedIn(store)(waitId, request, tenantId) : store.answer(waitId, request.answer, tenantId),
    }),
    caughtBy: [
      'vote(): as somebody else has voted since is told so, and keeps nothing',
      'vote(): answers the wait where it has an answer, which needs not be what was voted',
      'vote() against answer(): whoever comes first, the two agree',
    ],
  },
  {
    breaks: 'says that a vote was changed, also where the wait was answered',
    change: (store) => ({
      vote: async (...given) => {
        const result = await votedIn(store)(...given);
        return result === 'already answered' ? 'changed' : result;
      },
    }),
    caughtBy: ['vote(): for what was answered is told so, and keeps nothing'],
  },
  {
    breaks: 'keeps votes for what was withdrawn',
    change: (store) => ({
      vote: async (...given) => {
        const result = await votedIn(store)(...given);
        return result === 'withdrawn' ? 'kept' : result;
      },
    }),
    caughtBy: ['vote(): for what was withdrawn is told so, and keeps nothing'],
  },
  {
    breaks: 'lets every tenant vote',
    change: (store) => ({ vote: (waitId, request) => votedIn(store)(waitId, request, 't') }),
    caughtBy: ['vote(): for what is not there, or is of another tenant, is unknown'],
  },
  {
    breaks: 'forgets votes when the run is taken again',
    change: (store) => {
      const taken = new Set<string>();
      return {
        acquire: (runId, lease) => store.acquire(taken.add(runId) && runId, lease),
        load: async (runId, tenantId) => {
          const run = await store.load(runId, tenantId);
          return run && taken.has(runId) ? { ...run, waits: run.waits.map((wait) => ({ ...wait, votes: undefined })) } : run;
        },
      };
    },
    caughtBy: ['vote(): stays through suspension, resumption and a wait that is opened again'],
  },
  {
    breaks: 'lists waits without their votes',
    change: (store) => ({ waits: async (filter) => (await store.waits(filter)).map((wait) => ({ ...wait, votes: undefined })) }),
    caughtBy: ['vote(): is kept with the wait, which stays open, in the order of the votes'],
  },
  {
    breaks: 'wakes a run for every vote that it keeps',
    change: (store) => {
      const woken: DueRun[] = [];
      return {
        vote: async (waitId, request, tenantId) => {
          const result = await votedIn(store)(waitId, request, tenantId);
          if (result === 'kept') woken.push({ runId: 'r', tenantId, pipeline: 'chat' });
          return result;
        },
        due: async (...asked) => [...((await store.due?.(...asked)) ?? []), ...woken.slice(0, 1)],
      };
    },
    caughtBy: ['vote(): makes a run that rests due only where it answers'],
  },
  {
    breaks: 'wakes no run for a vote that answers',
    change: (store) => {
      const voted = new Set<string>();
      return {
        vote: (waitId, request, tenantId) => votedIn(store)(voted.add(waitId) && waitId, request, tenantId),
        due: async (...asked) =>
          ((await store.due?.(...asked)) ?? []).filter(({ runId }) => ![...voted].some((waitId) => waitId.startsWith(`${runId}/`))),
      };
    },
    caughtBy: ['vote(): makes a run that rests due only where it answers'],
  },
  {
    breaks: 'does not say that a run is paused',
    change: (store) => ({
      load: async (...where) => {
        const run = await store.load(...where);
        return run && { ...run, isPaused: false };
      },
    }),
    caughtBy: [
      'commit(): pauses a run until a batch says that it is not paused any more',
      'commit(): a pause stays as the run comes to rest, and may come with that',
    ],
  },
  {
    breaks: 'ends a pause with the next batch',
    change: (store) => ({
      commit: (runId, epoch, batch) => store.commit(runId, epoch, { ...batch, isPaused: batch.isPaused ?? false }),
    }),
    caughtBy: [
      'commit(): pauses a run until a batch says that it is not paused any more',
      'commit(): a pause stays as the run comes to rest, and may come with that',
    ],
  },
  {
    breaks: 'ends a pause for no batch',
    change: (store) => ({
      commit: (runId, epoch, batch) => store.commit(runId, epoch, { ...batch, isPaused: batch.isPaused || undefined }),
    }),
    caughtBy: [
      'commit(): pauses a run until a batch says that it is not paused any more',
      'due(): names a run whose pause a batch has ended',
    ],
  },
  {
    breaks: 'pauses for whoever asks',
    change: (store) => {
      const paused = new Set<string>();
      return {
        commit: (runId, epoch, batch) => store.commit(batch.isPaused === true ? paused.add(runId) && runId : runId, epoch, batch),
        load: async (runId, tenantId) => {
          const run = await store.load(runId, tenantId);
          return run && (paused.has(runId) ? { ...run, isPaused: true } : run);
        },
      };
    },
    caughtBy: ['commit(): of an earlier activation pauses nothing', 'acquire(): ends a pause, and so the run can be due again'],
  },
  {
    breaks: 'has forgotten no pause when the run is taken',
    change: (store) => {
      const paused = new Set<string>();
      return {
        commit: (runId, epoch, batch) => store.commit(batch.isPaused === true ? paused.add(runId) && runId : runId, epoch, batch),
        due: async (...asked) => ((await store.due?.(...asked)) ?? []).filter(({ runId }) => !paused.has(runId)),
      };
    },
    caughtBy: ['acquire(): ends a pause, and so the run can be due again'],
  },
  ...['running', 'left', 'answered', 'answered before', 'expired'].map((kind): Mutant => {
    const isOf = (runId: string): boolean => runId === `paused ${kind}`;
    return {
      breaks: `names runs that are paused as due where they are ${kind}`,
      change: (store) => ({
        commit: (runId, epoch, batch) => store.commit(runId, epoch, isOf(runId) ? { ...batch, isPaused: undefined } : batch),
      }),
      caughtBy: ['due(): names no run that is paused, whatever else makes it due'],
    };
  }),
];

test.each(mutants)('a store that $breaks is caught', async ({ change, caughtBy }) => {
  const caught: string[] = [];
  for (const { name, run } of runStoreContract) await run(sabotaged(change)).catch(() => caught.push(name));
  expect(caught).toEqual(expect.arrayContaining([...caughtBy]));
});

test('the store that is sabotaged here passes as it is', async () => {
  for (const { run } of runStoreContract) await run(sabotaged(() => ({})));
});

function sabotaged(change: Mutant['change']): RunStore {
  const store = memoryRunStore();
  const changed = change(store);
  return new Proxy(store, {
    get: (target, member) => {
      const found: unknown = Reflect.get(member in changed ? changed : target, member);
      return typeof found === 'function' ? found.bind(target) : found;
    },
  });
}

function votedIn(store: RunStore): NonNullable<RunStore['vote']> {
  return (...given) => (store.vote as NonNullable<RunStore['vote']>).apply(store, given);
}
