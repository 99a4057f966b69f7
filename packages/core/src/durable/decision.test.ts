import { virtualClock } from '@stageflow/testing';
import { describe, expect, test } from 'vitest';
import { anything } from '../../test/any-schema.ts';
import { type AskOptions, suspend } from '../control.ts';
import { guard, review } from '../guard.ts';
import { pipeline, type RegisteredPipeline } from '../pipeline.ts';
import type { RunStore } from '../ports/run-store.ts';
import { createRuntime } from '../runtime.ts';
import { stage } from '../stage.ts';
import { memoryRunStore } from './memory-run-store.ts';

const waitId = 'r/ask#answer';

function asking(options: AskOptions): RegisteredPipeline {
  const ask = stage('ask', { run: (_, { answer }) => answer(anything) ?? suspend('Send it?', options) });
  return pipeline('asking', { outputs: { ask } });
}

/** A run that waits, of the id `r`. */
async function waiting(made: RegisteredPipeline, store: RunStore = memoryRunStore()) {
  const runtime = createRuntime({ pipelines: [made], services: {}, store, clock: virtualClock() });
  await runtime.run(made, {} as never, { runId: 'r' });
  return runtime;
}

const refused = (why: string) => expect.objectContaining({ code: 'SF_DECISION_REFUSED', message: expect.stringContaining(why) });

describe('mayDecide', () => {
  test('lets those decide whom it names by id or by role, and no other', async () => {
    const options = { mayDecide: ['ann', 'managers'] };
    for (const by of [{ id: 'ann' }, { id: 'bob', roles: ['staff', 'managers'] }]) {
      const runtime = await waiting(asking(options));
      await expect(runtime.decide(waitId, 'yes')).rejects.toEqual(refused('it says who may decide'));
      await expect(runtime.decide(waitId, 'yes', { by: { id: 'carl', roles: ['staff'] } })).rejects.toEqual(
        refused('it is for ann, managers to decide'),
      );
      expect(await runtime.decide(waitId, 'yes', { by })).toBe('answered');
      expect(await runtime.resume('r')).toMatchObject({ status: 'completed', outputs: { ask: 'yes' } });
    }
  });

  test('is listed with the wait, and cannot be gone around by a delivery', async () => {
    const runtime = await waiting(asking({ mayDecide: ['ann'] }));
    expect(await runtime.waits()).toMatchObject([{ waitId, mayDecide: ['ann'], quorum: 1, votes: [] }]);
    for (const type of ['answer', 'review'])
      await expect(runtime.deliver('r', type, 'yes')).rejects.toMatchObject({ code: 'SF_OPTION_INVALID' });
    expect(await runtime.waits()).toHaveLength(1);
  });
});

describe('quorum', () => {
  test('takes answers as the same in whatever order their members stand', async () => {
    const runtime = await waiting(asking({ quorum: 2 }));
    await runtime.decide(waitId, { amount: 1, note: { a: 1, b: [1, 2] } }, { by: { id: 'ann' } });
    expect(await runtime.decide(waitId, { amount: 1, note: { a: 1, b: [2, 1] } }, { by: { id: 'bob' } })).toBe('kept');
    expect(await runtime.decide(waitId, { note: { b: [1, 2], a: 1 }, amount: 1 }, { by: { id: 'carl' } })).toBe('answered');
  });

  test('waits until as many people have given the same answer', async () => {
    const runtime = await waiting(asking({ quorum: 2 }));
    expect(await runtime.decide(waitId, 'yes', { by: { id: 'ann' } })).toBe('kept');
    expect(await runtime.decide(waitId, 'no', { by: { id: 'bob' } })).toBe('kept');
    expect(await runtime.waits()).toMatchObject([
      {
        quorum: 2,
        votes: [
          { by: 'ann', answer: 'yes' },
          { by: 'bob', answer: 'no' },
        ],
      },
    ]);
    expect((await runtime.resume('r')).status).toBe('suspended');
    expect(await runtime.decide(waitId, 'yes', { by: { id: 'carl' } })).toBe('answered');
    expect(await runtime.resume('r')).toMatchObject({ outputs: { ask: 'yes' } });
  });

  test('counts a person once, and nobody who is not named', async () => {
    const runtime = await waiting(asking({ quorum: 2 }));
    await runtime.decide(waitId, 'yes', { by: { id: 'ann' } });
    await expect(runtime.decide(waitId, 'yes', { by: { id: 'ann' } })).rejects.toEqual(refused('their answer is in already'));
    await expect(runtime.decide(waitId, 'yes')).rejects.toEqual(refused('it asks 2 people'));
    expect(await runtime.decide(waitId, 'yes', { by: { id: 'bob' } })).toBe('answered');
    await expect(runtime.decide(waitId, 'yes', { by: { id: 'carl' } })).rejects.toMatchObject({
      code: 'SF_WAIT_CLOSED',
      details: { why: 'it has been answered' },
    });
  });

  test('of a review is met by so many who approve, whatever they say besides; one no is a no', async () => {
    const made = (): RegisteredPipeline => {
      const draft = stage('draft', { run: () => 'Dear reader' });
      const ask = guard('ask', { subject: draft, check: () => review('Send it?', { quorum: 2 }) });
      return pipeline('asking', { outputs: { ask } });
    };
    const approving = await waiting(made());
    const id = 'r/ask#review';
    expect(await approving.decide(id, { approved: true, reason: 'good' }, { by: { id: 'ann' } })).toBe('kept');
    expect(await approving.decide(id, { approved: true }, { by: { id: 'bob' } })).toBe('answered');
    expect(await approving.resume('r')).toMatchObject({ status: 'completed' });
    const refusing = await waiting(made());
    await refusing.decide(id, { approved: true }, { by: { id: 'ann' } });
    expect(await refusing.decide(id, { approved: false, reason: 'rude' }, { by: { id: 'bob' } })).toBe('answered');
    expect(await refusing.resume('r')).toMatchObject({ status: 'blocked', reason: 'rude' });
  });

  test('loses no vote of those who decide at once', async () => {
    const runtime = await waiting(asking({ quorum: 5 }));
    const voters = ['a', 'b', 'c', 'd', 'e'].map((id) => runtime.decide(waitId, 'yes', { by: { id } }));
    expect((await Promise.all(voters)).sort()).toEqual(['answered', 'kept', 'kept', 'kept', 'kept']);
  });

  test('looks again where somebody voted meanwhile', async () => {
    const store = memoryRunStore();
    let isFirst = true;
    const racing: RunStore = Object.assign(Object.create(store) as RunStore, {
      vote: async (...given: Parameters<NonNullable<RunStore['vote']>>) => {
        if (isFirst) {
          isFirst = false;
          await store.vote?.(waitId, { vote: { by: 'first', answer: '"yes"' as never, at: 0 }, after: 0 }, undefined);
        }
        return store.vote?.(...given);
      },
    });
    const methods = ['create', 'load', 'acquire', 'renew', 'commit', 'waits', 'answer', 'deliver'] as const;
    for (const method of methods) Object.assign(racing, { [method]: (store[method] as () => unknown).bind(store) });
    const runtime = await waiting(asking({ quorum: 2 }), racing);
    expect(await runtime.decide(waitId, 'yes', { by: { id: 'second' } })).toBe('answered');
    expect(isFirst).toBe(false);
  });

  test('is over where somebody answered meanwhile', async () => {
    const store = Object.assign(memoryRunStore(), { vote: async () => 'already answered' as const });
    const runtime = await waiting(asking({ quorum: 2 }), store);
    await expect(runtime.decide(waitId, 'yes', { by: { id: 'ann' } })).rejects.toMatchObject({ code: 'SF_WAIT_CLOSED' });
  });

  test('needs a store that counts votes; a single answer of somebody who is named does not', async () => {
    const store = Object.assign(memoryRunStore(), { vote: undefined }) as unknown as RunStore;
    const runtime = await waiting(asking({ quorum: 2 }), store);
    await expect(runtime.decide(waitId, 'yes', { by: { id: 'ann' } })).rejects.toMatchObject({ code: 'SF_RUNTIME_REQUIRED' });
    const other = Object.assign(memoryRunStore(), { vote: undefined }) as unknown as RunStore;
    expect(await (await waiting(asking({ mayDecide: ['ann'] }), other)).decide(waitId, 'yes', { by: { id: 'ann' } })).toBe('answered');
  });
});

test.each([
  [{ quorum: 0 }, 'quorum', 'an integer of at least 1'],
  [{ mayDecide: [] }, 'mayDecide', 'a list of ids and roles that is not empty'],
  [{ mayDecide: 'ann' as never }, 'mayDecide', 'a list of ids and roles that is not empty'],
])('a question cannot be asked with %j', async (options, option, expected) => {
  const made = asking(options);
  const runtime = createRuntime({ pipelines: [made], services: {}, store: memoryRunStore(), clock: virtualClock() });
  expect(await runtime.run(made, {} as never)).toMatchObject({ error: { code: 'SF_OPTION_INVALID', details: { option, expected } } });
});

test.each([
  ['r/nobody#answer', 'there is no such wait'],
  ['other/ask#answer', 'there is no such wait'],
  ['%/ask#answer', 'there is no such wait'],
])('wait %s takes no answer: %s', async (id, why) => {
  const runtime = await waiting(asking({}));
  await expect(runtime.decide(id, 'yes')).rejects.toMatchObject({ code: 'SF_WAIT_CLOSED', details: { why } });
  expect(await runtime.decide(waitId, 'yes')).toBe('answered');
});
