import type { RunStore, StoredWait, VoteRequest, VoteResult } from '@stageflow/core/ports';
import { assertSame, type ContractCase } from './contract-case.ts';
import { batch, encoded, lease, newRun, openWait, startedAt } from './run-store-rows.ts';

type Voting = (by: string, request: Omit<VoteRequest, 'vote'>, tenantId?: string) => Promise<VoteResult>;

const wait: StoredWait = openWait('r', 'a', { type: 'review', quorum: 2 });

/** Who said what, where the store counts votes. */
export const runStoreVoteCases: readonly ContractCase<RunStore>[] = [
  {
    name: 'vote(): is kept with the wait, which stays open, in the order of the votes',
    run: counted(async (store, vote) => {
      await open(store);
      assertSame(await vote('anna', { after: 0 }), 'kept', 'the first vote');
      assertSame(await vote('"b\\0\0\ud800é', { after: 1 }), 'kept', 'the second vote');
      const voted = { ...wait, votes: [voteOf('anna'), voteOf('"b\\0\0\ud800é')] };
      assertSame(await store.waits({}), [voted], 'waits()');
      assertSame((await store.load('r', undefined))?.waits, [voted], 'load()');
    }),
  },
  {
    name: 'vote(): as somebody else has voted since is told so, and keeps nothing',
    run: counted(async (store, vote) => {
      await open(store);
      assertSame(await vote('early', { after: 1, answer: encoded('yes') }), 'changed', 'after a vote that was not given');
      await vote('anna', { after: 0 });
      assertSame(await vote('late', { after: 0, answer: encoded('yes') }), 'changed', 'after less than there are');
      assertSame(await kept(store), ['open', ['anna'], null], 'the wait');
    }),
  },
  {
    name: 'vote(): answers the wait where it has an answer, which needs not be what was voted',
    run: counted(async (store, vote) => {
      await open(store);
      await vote('anna', { after: 0 });
      assertSame(await vote('ben', { after: 1, answer: encoded('both') }), 'answered', 'the vote that is enough');
      assertSame(await kept(store), ['answered', ['anna', 'ben'], encoded('both')], 'the wait');
      assertSame(await store.waits({}), [], 'open waits');
    }),
  },
  {
    name: 'vote(): for what was answered is told so, and keeps nothing',
    run: counted(async (store, vote) => {
      await open(store);
      await vote('anna', { after: 0, answer: encoded('first') });
      for (const after of [0, 1]) {
        assertSame(await vote('ben', { after, answer: encoded('second') }), 'already answered', `a vote after ${after}`);
      }
      assertSame(await kept(store), ['answered', ['anna'], encoded('first')], 'the wait');
    }),
  },
  {
    name: 'vote(): for what was withdrawn is told so, and keeps nothing',
    run: counted(async (store, vote) => {
      await open(store);
      await store.commit('r', 1, batch({ status: 'cancelled' }));
      assertSame(await vote('anna', { after: 0, answer: encoded('yes') }), 'withdrawn', 'vote()');
      assertSame(await kept(store), ['withdrawn', [], null], 'the wait');
    }),
  },
  {
    name: 'vote(): for what is not there, or is of another tenant, is unknown',
    run: counted(async (store, vote) => {
      assertSame(await vote('anna', { after: 0 }), 'unknown', 'of a wait that is not there');
      await open(store, 't');
      for (const stranger of ['other', undefined]) {
        assertSame(await vote('mallory', { after: 0, answer: encoded('yes') }, stranger), 'unknown', `of ${stranger}`);
      }
      assertSame(await kept(store, 't'), ['open', [], null], 'the wait');
      assertSame(await vote('anna', { after: 0 }, 't'), 'kept', 'of its tenant');
    }),
  },
  {
    name: 'vote(): of many at once after as many votes, exactly one is kept',
    run: counted(async (store, vote) => {
      await open(store);
      for (const after of [0, 1]) {
        const results = await Promise.all(Array.from({ length: 8 }, (_, at) => vote(`voter ${at}`, { after })));
        assertSame(results.filter((result) => result === 'kept').length, 1, 'how many were kept');
        assertSame(results.filter((result) => result === 'changed').length, 7, 'how many were not');
        assertSame((await kept(store))[1][after], `voter ${results.indexOf('kept')}`, 'whose');
      }
    }),
  },
  {
    name: 'vote() against answer(): whoever comes first, the two agree',
    run: counted(async (store, vote) => {
      await open(store);
      const [voted, answered] = await Promise.all([
        vote('anna', { after: 0, answer: encoded('voted') }),
        store.answer(wait.waitId, encoded('answered'), undefined),
      ]);
      assertSame([voted, answered].sort(), ['already answered', 'answered'], 'what was said');
      const expected = voted === 'answered' ? ['answered', ['anna'], encoded('voted')] : ['answered', [], encoded('answered')];
      assertSame(await kept(store), expected, 'what is kept');
    }),
  },
  {
    name: 'vote(): stays through suspension, resumption and a wait that is opened again',
    run: counted(async (store, vote) => {
      await open(store);
      await vote('anna', { after: 0 });
      await store.commit('r', 1, batch({ status: 'suspended', resting: [wait.waitId] }));
      await vote('ben', { after: 1 });
      await store.acquire('r', lease('two'));
      await store.commit('r', 2, batch({ waits: [wait] }));
      assertSame(await kept(store), ['open', ['anna', 'ben'], null], 'the wait');
    }),
  },
  {
    name: 'vote(): makes a run that rests due only where it answers',
    run: counted(async (store, vote) => {
      if (store.due === undefined) return;
      await open(store);
      await vote('anna', { after: 0 });
      await store.commit('r', 1, batch({ status: 'suspended', resting: [wait.waitId] }));
      assertSame(await store.due(startedAt, 10), [], 'with a vote from before');
      await vote('ben', { after: 1 });
      await vote('late', { after: 0, answer: encoded('yes') });
      assertSame(await store.due(startedAt, 10), [], 'after votes that answer nothing');
      await vote('carl', { after: 2, answer: encoded('yes') });
      assertSame(
        (await store.due(startedAt, 10)).map(({ runId }) => runId),
        ['r'],
        'after the vote that answers',
      );
    }),
  },
];

/** Stores that count no votes pass: the method is optional. */
function counted(check: (store: RunStore, vote: Voting) => Promise<void>): ContractCase<RunStore>['run'] {
  return async (store) => {
    if (store.vote === undefined) return;
    await check(store, async (by, request, tenantId) => {
      return (await store.vote?.(wait.waitId, { ...request, vote: voteOf(by) }, tenantId)) ?? 'unknown';
    });
  };
}

function voteOf(by: string): VoteRequest['vote'] {
  return { by, answer: encoded({ says: by }), at: startedAt + 0.5 };
}

async function open(store: RunStore, tenantId?: string): Promise<void> {
  await store.create(newRun('r', { tenantId }), lease('one'));
  await store.commit('r', 1, batch({ waits: [{ ...wait, tenantId }] }));
}

/** What the store has of the wait: its status, who voted, and the answer. */
async function kept(store: RunStore, tenantId?: string): Promise<readonly [string | undefined, readonly string[], string | null]> {
  const found = (await store.load('r', tenantId))?.waits[0];
  return [found?.status, found?.votes?.map(({ by }) => by) ?? [], found?.answer ?? null];
}
