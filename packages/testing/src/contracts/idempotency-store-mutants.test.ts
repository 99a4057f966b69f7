import { memoryIdempotencyStore } from '@stageflow/core';
import type { ClaimResult, Encoded, IdempotencyIdentity, IdempotencyStore } from '@stageflow/core/ports';
import { idempotencyStoreContract, type VirtualClock, virtualClock } from '@stageflow/testing';
import { expect, test } from 'vitest';

/** A store that breaks a promise, and the cases that say so. */
interface Mutant {
  readonly breaks: string;
  /** Methods in place of some of the memory store's own. */
  readonly change: (store: IdempotencyStore, clock: VirtualClock) => Partial<IdempotencyStore>;
  readonly caughtBy: readonly string[];
}

/** Another turn, in which others come between a look and what follows from it. */
const turn = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 0));

const folded = (change: (identity: IdempotencyIdentity) => IdempotencyIdentity): Mutant['change'] => {
  return (store) => ({
    claim: (identity, claim) => store.claim(change(identity), claim),
    renew: (identity, token, lease) => store.renew(change(identity), token, lease),
    settle: (identity, token, record) => store.settle(change(identity), token, record),
    release: (identity, token) => store.release(change(identity), token),
    forget: (identity) => store.forget(change(identity)),
  });
};

const apart = 'claim(): calls of other tenants, scopes and keys are other calls, whatever these hold';
const late = 'a late holder overwrites nothing of the one that took over';
const runOut = 'a holder whose lease has run out can do nothing more, also where no other has the call';
const grow = 'claim(): tokens grow, also where nothing is left of earlier claims';

const mutants: readonly Mutant[] = [
  {
    breaks: 'lends a call to everyone',
    change: (store) => ({
      claim: async (identity, claim) => {
        const result = await store.claim(identity, claim);
        if (result.status !== 'held') return result;
        await store.forget(identity);
        return store.claim(identity, claim);
      },
    }),
    caughtBy: ['claim(): a call that nobody holds can be had, and then not again', 'claim(): of many at once, exactly one has the call'],
  },
  {
    breaks: 'looks before it takes, in two steps',
    change: (store) => {
      const held = new Set<string>();
      return {
        claim: async (identity, claim) => {
          const id = JSON.stringify(identity);
          const free = !held.has(id);
          await turn();
          held.add(id);
          const result = await store.claim(identity, claim);
          return free && result.status === 'held' ? { status: 'claimed', token: 9 } : result;
        },
        release: async (identity, token) => {
          held.delete(JSON.stringify(identity));
          return store.release(identity, token);
        },
      };
    },
    caughtBy: [
      'claim(): of many at once, exactly one has the call',
      'claim(): of many at once for a call that was given back, exactly one has it',
    ],
  },
  {
    breaks: 'says nothing true about when a lease ends',
    change: (store) => ({
      claim: async (identity, claim) => {
        const result = await store.claim(identity, claim);
        return result.status === 'held' ? { status: 'held', leaseEndsInMs: 0 } : result;
      },
    }),
    caughtBy: ['claim(): a call that nobody holds can be had, and then not again'],
  },
  {
    breaks: 'knows no tenants',
    change: folded((identity) => ({ ...identity, tenantId: 't' })),
    caughtBy: [apart, 'claim(): tenants share nothing: neither leases nor records nor what is forgotten'],
  },
  {
    breaks: 'takes no tenant for the tenant of the empty name',
    change: folded((identity) => ({ ...identity, tenantId: identity.tenantId ?? '' })),
    caughtBy: [apart],
  },
  { breaks: 'knows no scopes', change: folded((identity) => ({ ...identity, scope: '' })), caughtBy: [apart] },
  { breaks: 'folds the case of keys', change: folded((identity) => ({ ...identity, key: identity.key.toLowerCase() })), caughtBy: [apart] },
  { breaks: 'trims keys', change: folded((identity) => ({ ...identity, key: identity.key.trim() })), caughtBy: [apart] },
  { breaks: 'normalises keys', change: folded((identity) => ({ ...identity, key: identity.key.normalize() })), caughtBy: [apart] },
  {
    breaks: 'joins the parts of an identity with a slash',
    change: folded(({ tenantId, scope, key }) => ({ tenantId: undefined, scope: '', key: `${tenantId}/${scope}/${key}` })),
    caughtBy: [apart],
  },
  {
    breaks: 'joins the parts of an identity with a colon',
    change: folded(({ tenantId, scope, key }) => ({ tenantId: undefined, scope: '', key: `${tenantId}:${scope}:${key}` })),
    caughtBy: [apart],
  },
  {
    breaks: 'compares no parameters',
    change: (store) => ({ claim: (identity, claim) => store.claim(identity, { ...claim, paramsHash: undefined }) }),
    caughtBy: ['claim(): with other parameters is told so, while the call is held and once it was made'],
  },
  {
    breaks: 'compares the parameters of calls in flight only',
    change: (store) => ({
      claim: async (identity, claim) => {
        const result = await store.claim(identity, { ...claim, paramsHash: undefined });
        return result.status === 'settled'
          ? result
          : result.status === 'held'
            ? store.claim(identity, claim)
            : store.claim(identity, claim);
      },
    }),
    caughtBy: ['claim(): with other parameters is told so, while the call is held and once it was made'],
  },
  {
    breaks: 'takes no parameters for other parameters',
    change: (store) => ({ claim: (identity, claim) => store.claim(identity, { ...claim, paramsHash: claim.paramsHash ?? 'none' }) }),
    caughtBy: ['claim(): parameters are compared only where both callers give some'],
  },
  {
    breaks: 'remembers the parameters of a call that was given back',
    change: (store) => {
      const hashes = new Map<string, string>();
      return {
        claim: async (identity, claim): Promise<ClaimResult> => {
          const [id, { paramsHash }] = [JSON.stringify(identity), claim];
          const known = hashes.get(id);
          if (known !== undefined && paramsHash !== undefined && paramsHash !== known) return { status: 'mismatch', paramsHash: known };
          if (paramsHash !== undefined) hashes.set(id, paramsHash);
          return store.claim(identity, claim);
        },
      };
    },
    caughtBy: [
      'claim(): nothing is left of the parameters of a call that was given back',
      'claim(): a call whose lease has run out can be had, with a greater token and parameters of its own',
      'settle(): is kept for its time, which the lease does not shorten, and then the call can be had',
    ],
  },
  {
    breaks: 'holds a lease for ever',
    change: (store) => ({ claim: (identity, claim) => store.claim(identity, { ...claim, leaseMs: 9e9 }) }),
    caughtBy: ['claim(): a call whose lease has run out can be had, with a greater token and parameters of its own', runOut, late],
  },
  {
    breaks: 'gives every claim the same token',
    change: (store) => {
      const real = new Map<string, number>();
      const known = (identity: IdempotencyIdentity): number => real.get(JSON.stringify(identity)) ?? 0;
      return {
        claim: async (identity, claim) => {
          const result = await store.claim(identity, claim);
          if (result.status !== 'claimed') return result;
          real.set(JSON.stringify(identity), result.token);
          return { status: 'claimed', token: 1 };
        },
        renew: (identity, _, lease) => store.renew(identity, known(identity), lease),
        settle: (identity, _, record) => store.settle(identity, known(identity), record),
        release: (identity) => store.release(identity, known(identity)),
      };
    },
    caughtBy: [late, grow, 'settle(): of a call that nobody holds, or another token holds, keeps nothing'],
  },
  {
    breaks: 'counts tokens from the start once nothing is left',
    change: (store) => {
      const base = new Map<string, number>();
      const first = (identity: IdempotencyIdentity): number => base.get(JSON.stringify(identity)) ?? 0;
      return {
        claim: async (identity, claim) => {
          const result = await store.claim(identity, claim);
          if (result.status !== 'claimed') return result;
          base.set(JSON.stringify(identity), result.token - 1);
          return { ...result, token: 1 };
        },
        renew: (identity, token, lease) => store.renew(identity, token + first(identity), lease),
        settle: (identity, token, record) => store.settle(identity, token + first(identity), record),
        release: (identity, token) => store.release(identity, token + first(identity)),
      };
    },
    caughtBy: [grow, late],
  },
  {
    breaks: 'renews nothing',
    change: () => ({ renew: async () => true }),
    caughtBy: ['renew(): holds the call longer, from now', runOut, late],
  },
  {
    breaks: 'renews for whoever asks',
    change: (store) => ({
      renew: async (identity, token, lease) => {
        if (await store.renew(identity, token, lease)) return true;
        await store.forget(identity);
        return (await store.claim(identity, { ...lease, paramsHash: undefined })).status === 'claimed';
      },
    }),
    caughtBy: [runOut, late],
  },
  {
    breaks: 'keeps what late holders bring',
    change: (store) => ({
      settle: async (identity, token, record) => {
        if (await store.settle(identity, token, record)) return true;
        await store.forget(identity);
        const again = await store.claim(identity, { paramsHash: undefined, leaseMs: 9e9 });
        return again.status === 'claimed' && store.settle(identity, again.token, record);
      },
    }),
    caughtBy: [
      runOut,
      late,
      'settle(): of a call that nobody holds, or another token holds, keeps nothing',
      'settle(): of a call that nobody holds, or another token holds, keeps nothing',
    ],
  },
  {
    breaks: 'releases for whoever asks',
    change: (store) => ({ release: (identity) => store.forget(identity) }),
    caughtBy: [late, 'release(): of a call that was made does nothing'],
  },
  {
    breaks: 'releases nothing',
    change: () => ({ release: async () => true }),
    caughtBy: ['release(): the call can be had again at once', runOut],
  },
  {
    breaks: 'says that it has settled before it has',
    change: (store) => ({
      settle: async (identity, token, record) => {
        void turn().then(() => store.settle(identity, token, record));
        return true;
      },
    }),
    caughtBy: ['settle(): what is kept is there when it resolves, and the same for all who ask'],
  },
  {
    breaks: 'keeps records for the time of the lease',
    change: (store, clock) => {
      const leases = new Map<string, number>();
      return {
        claim: (identity, claim) => {
          const id = JSON.stringify(identity);
          if (!leases.has(id)) leases.set(id, clock.monotonic() + claim.leaseMs);
          return store.claim(identity, claim);
        },
        settle: (identity, token, record) => {
          const endsAt = leases.get(JSON.stringify(identity)) ?? 0;
          return store.settle(identity, token, { ...record, ttlMs: Math.min(record.ttlMs, endsAt - clock.monotonic()) });
        },
      };
    },
    caughtBy: ['settle(): is kept for its time, which the lease does not shorten, and then the call can be had'],
  },
  {
    breaks: 'keeps records for ever',
    change: (store) => ({ settle: (identity, token, record) => store.settle(identity, token, { ...record, ttlMs: 9e9 }) }),
    caughtBy: ['settle(): is kept for its time, which the lease does not shorten, and then the call can be had', grow],
  },
  {
    breaks: 'lets the last record of a token count',
    change: (store) => {
      const latest = new Map<string, Encoded>();
      const settled = new Set<string>();
      return {
        settle: async (identity, token, record) => {
          const answer = await store.settle(identity, token, record);
          if (answer && settled.has(`${token}`)) latest.set(JSON.stringify(identity), record.record);
          if (answer) settled.add(`${token}`);
          return answer;
        },
        claim: async (identity, claim) => {
          const result = await store.claim(identity, claim);
          return result.status === 'settled' ? { ...result, record: latest.get(JSON.stringify(identity)) ?? result.record } : result;
        },
      };
    },
    caughtBy: ['settle(): the first one of a token counts, and a repeat of it is told so'],
  },
  {
    breaks: 'takes a repeat for a stranger',
    change: (store) => {
      const settled = new Set<number>();
      return {
        settle: async (identity, token, record) => {
          const isRepeat = settled.has(token);
          settled.add(token);
          return (await store.settle(identity, token, record)) && !isRepeat;
        },
      };
    },
    caughtBy: ['settle(): the first one of a token counts, and a repeat of it is told so'],
  },
  {
    breaks: 'cuts long text',
    change: (store) => ({
      settle: (identity, token, record) => store.settle(identity, token, { ...record, record: record.record.slice(0, 65_535) as Encoded }),
    }),
    caughtBy: ['settle(): text of any length and content comes back as it was'],
  },
  {
    breaks: 'takes empty text for nothing',
    change: (store) => ({
      settle: (identity, token, record) => (record.record === '' ? store.release(identity, token) : store.settle(identity, token, record)),
    }),
    caughtBy: ['settle(): text of any length and content comes back as it was'],
  },
  {
    breaks: 'forgets nothing',
    change: (store) => ({
      forget: async (identity) => (await store.claim(identity, { paramsHash: undefined, leaseMs: 0 })).status !== 'claimed',
    }),
    caughtBy: [
      'forget(): drops what is kept, and the call can be had again',
      'forget(): takes the call from its holder, who then keeps nothing',
    ],
  },
  {
    breaks: 'always says that it forgot something',
    change: (store) => ({ forget: (identity) => store.forget(identity).then(() => true) }),
    caughtBy: ['forget(): drops what is kept, and the call can be had again'],
  },
  {
    breaks: 'tells nobody that a call is free',
    change: () => ({ whenFree: () => new Promise<void>(() => {}) }),
    caughtBy: [
      'whenFree(): resolves when the call is settled, released or forgotten, where the store can tell',
      'whenFree(): waits while the call is held, and rejects with the reason of its signal, where the store can tell',
    ],
  },
  {
    breaks: 'says at once that a call is free',
    change: () => ({ whenFree: async () => {} }),
    caughtBy: ['whenFree(): waits while the call is held, and rejects with the reason of its signal, where the store can tell'],
  },
];

async function caughtOf(change: Mutant['change']): Promise<readonly string[]> {
  const caught: string[] = [];
  for (const { name, run } of idempotencyStoreContract) {
    const clock = virtualClock();
    const store = memoryIdempotencyStore({ clock });
    const changed = change(store, clock);
    const mutant: IdempotencyStore = {
      name: 'mutant',
      claim: (...given) => store.claim(...given),
      renew: (...given) => store.renew(...given),
      settle: (...given) => store.settle(...given),
      release: (...given) => store.release(...given),
      forget: (...given) => store.forget(...given),
      whenFree: (...given) => store.whenFree?.(...given) ?? Promise.resolve(),
      ...changed,
    };
    await run({ store: mutant, advance: (ms) => clock.advance(ms) }).catch(() => caught.push(name));
  }
  return caught;
}

test.each(mutants)('a store that $breaks is caught', async ({ change, caughtBy }) => {
  expect(await caughtOf(change)).toEqual(expect.arrayContaining([...caughtBy]));
});

test('the store that is sabotaged here passes as it is', async () => {
  expect(await caughtOf(() => ({}))).toEqual([]);
});

test('a store that cannot tell when a call is free passes', async () => {
  expect(await caughtOf(() => ({ whenFree: undefined }) as unknown as Partial<IdempotencyStore>)).toEqual([]);
});

test('every case catches some mutant', () => {
  const catching = new Set(mutants.flatMap(({ caughtBy }) => caughtBy));
  expect(idempotencyStoreContract.map(({ name }) => name).filter((name) => !catching.has(name))).toEqual([]);
});
