import type { Encoded } from '@stageflow/core/ports';
import { assertSame, type ContractCase } from './contract-case.ts';
import type { IdempotencyStoreSubject } from './idempotency-store.ts';
import { call, claim, kept, longMs, shortMs, statusOf, taken } from './idempotency-store-rows.ts';

/** What is kept of calls that were made, and for how long. */
export const idempotencyStoreRecordCases: readonly ContractCase<IdempotencyStoreSubject>[] = [
  {
    name: 'settle(): what is kept is there when it resolves, and the same for all who ask',
    async run({ store }) {
      const token = await taken(store);
      assertSame(await store.settle(call(), token, kept({ id: 7 })), true, 'settle()');
      const asked = await Promise.all([1, 2, 3].map(() => store.claim(call(), claim())));
      assertSame(
        asked,
        [1, 2, 3].map(() => ({ status: 'settled', record: '{"id":7}' })),
        'what they are told',
      );
    },
  },
  {
    name: 'settle(): the first one of a token counts, and a repeat of it is told so',
    async run({ store }) {
      const token = await taken(store);
      await store.settle(call(), token, kept('first'));
      assertSame(await store.settle(call(), token, kept('second')), true, 'a second settle()');
      assertSame(await store.settle(call(), token + 1, kept('third')), false, 'settle() of another token');
      assertSame(await store.claim(call(), claim()), { status: 'settled', record: '"first"' }, 'what is kept');
    },
  },
  {
    name: 'settle(): of a call that nobody holds, or another token holds, keeps nothing',
    async run({ store }) {
      assertSame(await store.settle(call(), 1, kept(1)), false, 'where nobody holds it');
      const token = await taken(store);
      assertSame(await store.settle(call(), token + 1, kept(1)), false, 'with a token that was not given');
      assertSame(await statusOf(store), 'held', 'the lease');
    },
  },
  {
    name: 'settle(): is kept for its time, which the lease does not shorten, and then the call can be had',
    async run({ store, advance }) {
      await store.settle(call(), await taken(store, call(), { leaseMs: shortMs }), kept(1, { ttlMs: longMs }));
      const brief = call({ key: 'brief' });
      await store.settle(brief, await taken(store, brief, { paramsHash: 'one' }), kept(1, { ttlMs: shortMs }));
      assertSame(await statusOf(store, brief), 'settled', 'before its time');
      await advance(shortMs);
      assertSame(await statusOf(store), 'settled', 'what is kept long');
      assertSame(await statusOf(store, brief, { paramsHash: 'two' }), 'claimed', 'after its time, with other parameters');
    },
  },
  {
    name: 'settle(): text of any length and content comes back as it was',
    async run({ store }) {
      for (const value of ['', 'é\u0301\u0000\ud83d\ude80 \' " \\ % {} \r\n', 'x'.repeat(300_000), null]) {
        const identity = call({ key: `of ${String(value).length}` });
        const { record } = kept(value);
        await store.settle(identity, await taken(store, identity), { record, ttlMs: longMs });
        assertSame(await store.claim(identity, claim()), { status: 'settled', record }, 'what is kept');
      }
      await store.settle(call(), await taken(store), { record: '' as Encoded, ttlMs: longMs });
      assertSame(await store.claim(call(), claim()), { status: 'settled', record: '' }, 'text of no length');
    },
  },
  {
    name: 'forget(): drops what is kept, and the call can be had again',
    async run({ store }) {
      assertSame(await store.forget(call()), false, 'where there is nothing');
      await store.settle(call(), await taken(store), kept(1));
      assertSame(await store.forget(call()), true, 'where something is kept');
      assertSame(await statusOf(store), 'claimed', 'another claim');
    },
  },
  {
    name: 'forget(): takes the call from its holder, who then keeps nothing',
    async run({ store }) {
      const token = await taken(store);
      assertSame(await store.forget(call()), true, 'forget()');
      assertSame(await store.settle(call(), token, kept(1)), false, 'settle() of the holder');
      assertSame(await statusOf(store), 'claimed', 'another claim');
    },
  },
];
