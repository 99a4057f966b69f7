import { assertSame, type ContractCase } from './contract-case.ts';
import type { IdempotencyStoreSubject } from './idempotency-store.ts';
import { call, claim, kept, longMs, shortMs, statusOf, taken } from './idempotency-store-rows.ts';

/** How long a call is held, and what a holder that is late can still do. */
export const idempotencyStoreLeaseCases: readonly ContractCase<IdempotencyStoreSubject>[] = [
  {
    name: 'claim(): a call whose lease has run out can be had, with a greater token and parameters of its own',
    async run({ store, advance }) {
      const first = await taken(store, call(), { leaseMs: shortMs, paramsHash: 'one' });
      await advance(shortMs);
      const second = await taken(store, call(), { paramsHash: 'two' });
      if (!(second > first)) throw new Error(`expected a token above ${first}, received ${second}`);
      assertSame(await statusOf(store, call(), { paramsHash: 'two' }), 'held', 'the new lease');
    },
  },
  {
    name: 'claim(): tokens grow, also where nothing is left of earlier claims',
    async run({ store, advance }) {
      const tokens = [await taken(store)];
      await store.release(call(), tokens[0] as number);
      tokens.push(await taken(store, call(), { leaseMs: shortMs }));
      await advance(shortMs);
      tokens.push(await taken(store));
      await store.forget(call());
      tokens.push(await taken(store));
      await store.settle(call(), tokens.at(-1) as number, kept(1, { ttlMs: shortMs }));
      await advance(shortMs);
      tokens.push(await taken(store));
      for (const [at, token] of tokens.entries()) {
        if (!Number.isSafeInteger(token) || (at > 0 && token <= (tokens[at - 1] as number))) {
          throw new Error(`expected integers that grow, received ${tokens.join(', ')}`);
        }
      }
    },
  },
  {
    name: 'renew(): holds the call longer, from now',
    async run({ store, advance }) {
      const token = await taken(store, call(), { leaseMs: shortMs });
      assertSame(await store.renew(call(), token, { leaseMs: longMs }), true, 'renew()');
      await advance(shortMs);
      assertSame(await statusOf(store), 'held', 'when the first lease would have run out');
      assertSame(await store.renew(call(), token, { leaseMs: shortMs }), true, 'renew() for less');
      await advance(shortMs);
      assertSame(await statusOf(store), 'claimed', 'when the last lease has run out');
    },
  },
  {
    name: 'a holder whose lease has run out can do nothing more, also where no other has the call',
    async run({ store, advance }) {
      const token = await taken(store, call(), { leaseMs: shortMs });
      await advance(shortMs);
      assertSame(await store.renew(call(), token, { leaseMs: longMs }), false, 'renew()');
      assertSame(await store.settle(call(), token, kept('late')), false, 'settle()');
      assertSame(await store.release(call(), token), false, 'release()');
      assertSame(await statusOf(store), 'claimed', 'another claim');
    },
  },
  {
    name: 'a late holder overwrites nothing of the one that took over',
    async run({ store, advance }) {
      const late = await taken(store, call(), { leaseMs: shortMs });
      await advance(shortMs);
      const token = await taken(store);
      assertSame(await store.renew(call(), late, { leaseMs: 1 }), false, 'renew() of the late one');
      assertSame(await store.settle(call(), late, kept('late')), false, 'settle() of the late one');
      assertSame(await store.release(call(), late), false, 'release() of the late one');
      assertSame(await statusOf(store), 'held', 'the lease of the one that took over');
      assertSame(await store.settle(call(), token, kept('new')), true, 'settle() of the one that took over');
      assertSame(await store.settle(call(), late, kept('late')), false, 'settle() of the late one, afterwards');
      assertSame(await store.release(call(), late), false, 'release() of the late one, afterwards');
      assertSame(await store.claim(call(), claim()), { status: 'settled', record: '"new"' }, 'what is kept');
    },
  },
  {
    name: 'release(): the call can be had again at once',
    async run({ store }) {
      const token = await taken(store);
      assertSame(await store.release(call(), token), true, 'release()');
      assertSame(await store.release(call(), token), false, 'a second release()');
      assertSame(await store.settle(call(), token, kept(1)), false, 'settle() after it');
      assertSame(await statusOf(store), 'claimed', 'another claim');
    },
  },
  {
    name: 'release(): of a call that was made does nothing',
    async run({ store }) {
      const token = await taken(store);
      await store.settle(call(), token, kept(1));
      assertSame(await store.release(call(), token), false, 'release()');
      assertSame(await store.renew(call(), token, { leaseMs: 1 }), false, 'renew()');
      assertSame(await statusOf(store), 'settled', 'what is kept');
    },
  },
  {
    name: 'whenFree(): resolves when the call is settled, released or forgotten, where the store can tell',
    async run({ store }) {
      if (store.whenFree === undefined) return;
      await soon(store.whenFree(call()));
      const ways = [
        (token: number) => store.settle(call({ key: 'settled' }), token, kept(1)),
        (token: number) => store.release(call({ key: 'released' }), token),
        () => store.forget(call({ key: 'forgotten' })),
      ];
      for (const [at, key] of ['settled', 'released', 'forgotten'].entries()) {
        const identity = call({ key });
        const token = await taken(store, identity);
        const free = [store.whenFree(identity), store.whenFree(identity)];
        await ways[at]?.(token);
        await soon(Promise.all(free));
        await soon(store.whenFree(identity));
      }
    },
  },
  {
    name: 'whenFree(): waits while the call is held, and rejects with the reason of its signal, where the store can tell',
    async run({ store }) {
      if (store.whenFree === undefined) return;
      await taken(store);
      const controller = new AbortController();
      let resolved = false;
      const waiting = store.whenFree(call(), { signal: controller.signal }).then(() => {
        resolved = true;
      });
      const other = call({ key: 'order-2' });
      await store.release(other, await taken(store, other));
      assertSame(resolved, false, 'whether it has resolved');
      const reason = new Error('enough');
      controller.abort(reason);
      const thrown = await soon(
        waiting.then(
          () => 'nothing',
          (error: unknown) => error,
        ),
      );
      if (thrown !== reason) throw new Error(`expected the reason of the signal, received ${String(thrown)}`);
    },
  },
];

/** Rejects where a promise that needs nothing more has not settled after a second of the host. */
function soon<T>(promise: Promise<T>): Promise<T> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const patience = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error('nobody was told that the call is free')), 1_000);
  });
  return Promise.race([promise, patience]).finally(() => clearTimeout(timer));
}
