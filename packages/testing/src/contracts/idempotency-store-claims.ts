import { assertSame, type ContractCase } from './contract-case.ts';
import type { IdempotencyStoreSubject } from './idempotency-store.ts';
import { call, claim, kept, statusOf, taken } from './idempotency-store-rows.ts';

const turns = 8;

/** Whose a call is, and which calls are one. */
export const idempotencyStoreClaimCases: readonly ContractCase<IdempotencyStoreSubject>[] = [
  {
    name: 'claim(): a call that nobody holds can be had, and then not again',
    async run({ store }) {
      const first = await store.claim(call(), claim());
      assertSame(first.status, 'claimed', 'the first claim');
      const second = await store.claim(call(), claim());
      assertSame(second.status, 'held', 'the second claim');
      if (second.status === 'held' && !(second.leaseEndsInMs > 500_000 && second.leaseEndsInMs <= 600_000)) {
        throw new Error(`the lease ends in ${second.leaseEndsInMs} ms, not in the 600,000 that were asked for less what has passed`);
      }
    },
  },
  {
    name: 'claim(): of many at once, exactly one has the call',
    async run({ store }) {
      const told = await Promise.all(Array.from({ length: turns }, () => statusOf(store)));
      assertSame(told.sort(), ['claimed', ...Array.from({ length: turns - 1 }, () => 'held')], 'what they are told');
    },
  },
  {
    name: 'claim(): of many at once for a call that was given back, exactly one has it',
    async run({ store }) {
      await store.release(call(), await taken(store));
      const told = await Promise.all(Array.from({ length: turns }, () => statusOf(store)));
      assertSame(told.filter((status) => status === 'claimed').length, 1, 'how many have it');
    },
  },
  {
    name: 'claim(): calls of other tenants, scopes and keys are other calls, whatever these hold',
    async run({ store }) {
      const members = [
        { tenantId: undefined },
        { tenantId: '' },
        { tenantId: 'null' },
        { tenantId: 'undefined' },
        { tenantId: 'T' },
        { tenantId: 't/shop', scope: 'pay' },
        { tenantId: 't:shop', scope: 'pay' },
        { scope: 'shop', key: 'pay/order-1' },
        { scope: 'shop:pay' },
        { scope: 'shop/pay:order', key: '1' },
        { key: '' },
        { key: ' order-1' },
        { key: 'ORDER-1' },
        { key: 'order-1\u0000' },
        { key: "order-'1" },
        { key: 'order-%' },
        { key: '*' },
        { key: '{order}-1' },
        { key: 'é' },
        { key: 'e\u0301' },
        { key: '\ud83d\ude80'.repeat(100) },
        {},
      ];
      for (const member of members) assertSame(await statusOf(store, call(member)), 'claimed', JSON.stringify(member));
      for (const member of members) assertSame(await statusOf(store, call(member)), 'held', JSON.stringify(member));
    },
  },
  {
    name: 'claim(): tenants share nothing: neither leases nor records nor what is forgotten',
    async run({ store }) {
      const [mine, theirs] = [call({ tenantId: 'mine' }), call({ tenantId: 'theirs' })];
      const token = await taken(store, mine);
      assertSame(await store.settle(theirs, token, kept('theirs')), false, 'settle() of another tenant');
      assertSame(await store.renew(theirs, token, { leaseMs: 1 }), false, 'renew() of another tenant');
      assertSame(await store.release(theirs, token), false, 'release() of another tenant');
      assertSame(await store.forget(theirs), false, 'forget() of another tenant');
      assertSame(await store.settle(mine, token, kept('mine')), true, 'settle() of its own');
      assertSame(await statusOf(store, theirs), 'claimed', 'the call of another tenant');
    },
  },
  {
    name: 'claim(): with other parameters is told so, while the call is held and once it was made',
    async run({ store }) {
      const token = await taken(store, call(), { paramsHash: 'one' });
      const mismatch = { status: 'mismatch', paramsHash: 'one' };
      assertSame(await store.claim(call(), claim({ paramsHash: 'two' })), mismatch, 'while it is held');
      assertSame(await statusOf(store, call(), { paramsHash: 'one' }), 'held', 'with the same parameters');
      await store.settle(call(), token, kept(1));
      assertSame(await store.claim(call(), claim({ paramsHash: 'two' })), mismatch, 'once it was made');
      assertSame(await store.claim(call(), claim({ paramsHash: 'one' })), { status: 'settled', record: '1' }, 'with the same parameters');
    },
  },
  {
    name: 'claim(): parameters are compared only where both callers give some',
    async run({ store }) {
      await store.settle(call(), await taken(store, call(), { paramsHash: 'one' }), kept(1));
      assertSame(await statusOf(store), 'settled', 'a caller that gives none');
      const other = call({ key: 'order-2' });
      await store.settle(other, await taken(store, other), kept(2));
      assertSame(await statusOf(store, other, { paramsHash: 'one' }), 'settled', 'a caller that gives some where the first gave none');
    },
  },
  {
    name: 'claim(): nothing is left of the parameters of a call that was given back',
    async run({ store }) {
      await store.release(call(), await taken(store, call(), { paramsHash: 'one' }));
      assertSame(await statusOf(store, call(), { paramsHash: 'two' }), 'claimed', 'with other parameters');
    },
  },
];
