import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type CallVerdict, Circuit, type CircuitRules, type Pass } from './circuit.ts';

const seed = Number(process.env['STAGEFLOW_SEED'] ?? 2_025);

/** The same rules, told another way: every call is kept, and whatever changes the state makes the calls under way count no more. */
class Model {
  state: Circuit['state'] = 'closed';
  readonly rules: CircuitRules;
  /** Calls under way that still count. */
  #counting = new Set<number>();
  #ended: { readonly at: number; readonly failed: boolean }[] = [];
  #since = 0;
  #probeSince: number | undefined;

  constructor(rules: CircuitRules) {
    this.rules = rules;
  }

  admit(call: number, now: number): boolean {
    const { openMs, probeMs } = this.rules;
    if (this.state === 'open' && now - this.#since < openMs) return false;
    if (this.state === 'half-open' && this.#probeSince !== undefined && now - this.#probeSince < probeMs) return false;
    if (this.state !== 'closed') {
      this.#go('half-open', now);
      this.#probeSince = now;
    }
    this.#counting.add(call);
    return true;
  }

  settle(call: number, verdict: CallVerdict, now: number): void {
    if (!this.#counting.delete(call)) return;
    if (this.state === 'half-open') {
      if (verdict === 'neither') this.#probeSince = undefined;
      else this.#go(verdict === 'success' ? 'closed' : 'open', now);
      return;
    }
    if (verdict === 'neither') return;
    this.#ended.push({ at: now, failed: verdict === 'failure' });
    const { failures, calls } = this.recent(now);
    if (failures >= this.rules.failures && failures / calls >= this.rules.ratio) this.#go('open', now);
  }

  recent(now: number): { readonly failures: number; readonly calls: number } {
    const slice = (at: number) => Math.floor(at / (this.rules.windowMs / 10));
    const recent = this.#ended.filter(({ at }) => slice(now) - slice(at) < 10);
    return { calls: recent.length, failures: recent.filter(({ failed }) => failed).length };
  }

  #go(state: Circuit['state'], now: number): void {
    this.state = state;
    this.#since = now;
    this.#probeSince = undefined;
    this.#counting.clear();
    if (state === 'closed') this.#ended = [];
  }
}

const rules = fc.record({
  failures: fc.integer({ min: 1, max: 4 }),
  ratio: fc.constantFrom(0, 0.5, 1),
  windowMs: fc.constantFrom(10, 100, 1_000),
  openMs: fc.constantFrom(10, 100, 1_000),
  probeMs: fc.constantFrom(10, 100, 1_000),
});

type Step =
  | { readonly do: 'ask' }
  | { readonly do: 'settle'; readonly which: number; readonly verdict: CallVerdict }
  | { readonly do: 'pass time'; readonly ms: number };

const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 4, arbitrary: fc.constant({ do: 'ask' } as const) },
  {
    weight: 4,
    arbitrary: fc.record({
      do: fc.constant('settle' as const),
      which: fc.nat(20),
      verdict: fc.constantFrom<CallVerdict>('failure', 'failure', 'success', 'neither'),
    }),
  },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('pass time' as const), ms: fc.constantFrom(1, 9, 10, 50, 100, 999, 5_000) }) },
);

test('whatever is asked, settled and waited in whatever order, it does what its rules say', () => {
  const seen = new Set<string>();
  const follow = (given: CircuitRules, steps: readonly Step[]): void => {
    const circuit = new Circuit(given);
    const model = new Model(given);
    const underWay: { readonly call: number; readonly pass: Pass }[] = [];
    let now = 0;
    for (const [call, each] of steps.entries()) {
      if (each.do === 'pass time') now += each.ms;
      else if (each.do === 'ask') {
        const answer = circuit.admit(now);
        expect(answer.admitted).toBe(model.admit(call, now));
        if (answer.admitted) underWay.push({ call, pass: answer });
        else if (circuit.state === 'open') expect(answer.retryAfterMs).toBeGreaterThan(0);
      } else {
        const [ended] = underWay.splice(each.which % Math.max(1, underWay.length), 1);
        if (ended === undefined) continue;
        circuit.settle(ended.pass, each.verdict, now);
        model.settle(ended.call, each.verdict, now);
      }
      expect(circuit.state).toBe(model.state);
      seen.add(circuit.state);
      if (circuit.state !== 'closed') continue;
      circuit.recent.forget(now);
      expect({ failures: circuit.recent.failures, calls: circuit.recent.calls }).toEqual(model.recent(now));
    }
  };
  void fc.assert(fc.property(rules, fc.array(step, { maxLength: 80 }), follow), { numRuns: 1_000, seed });
  expect([...seen].sort()).toEqual(['closed', 'half-open', 'open']);
});

test('no sequence of calls wedges it: once time has passed, a success closes it', () => {
  void fc.assert(
    fc.property(rules, fc.array(step, { maxLength: 60 }), (given, steps) => {
      const circuit = new Circuit(given);
      const passes: Pass[] = [];
      let now = 0;
      for (const each of steps) {
        if (each.do === 'pass time') now += each.ms;
        else if (each.do === 'ask') {
          const answer = circuit.admit(now);
          if (answer.admitted) passes.push(answer);
        } else if (passes.length > 0) circuit.settle(passes.splice(each.which % passes.length, 1)[0] as Pass, each.verdict, now);
      }
      now += given.openMs + given.probeMs;
      const probe = circuit.admit(now);
      expect(probe.admitted).toBe(true);
      circuit.settle(probe as Pass, 'success', now);
      expect(circuit.state).toBe('closed');
    }),
    { numRuns: 500, seed },
  );
});

describe('one circuit', () => {
  const given: CircuitRules = { failures: 1, ratio: 0, windowMs: 1_000, openMs: 100, probeMs: 50 };

  test('says in whole milliseconds how long it stays open, never less', () => {
    const circuit = new Circuit(given);
    circuit.settle(circuit.admit(0.25) as Pass, 'failure', 0.25);
    expect(circuit.admit(0.5)).toEqual({ admitted: false, retryAfterMs: 100 });
    expect(circuit.admit(100)).toEqual({ admitted: false, retryAfterMs: 1 });
    expect(circuit.admit(100.25)).toMatchObject({ admitted: true });
  });

  test('is stale when nothing was asked of it for as long as it could remember anything', () => {
    const circuit = new Circuit(given);
    circuit.admit(10);
    expect([circuit.isStale(1_109), circuit.isStale(1_110)]).toEqual([false, true]);
  });

  test('counts a call for the whole window less a tenth, and no longer than the window', () => {
    const circuit = new Circuit({ ...given, failures: 5 });
    circuit.settle(circuit.admit(99) as Pass, 'failure', 99);
    circuit.recent.forget(999);
    expect(circuit.recent.failures).toBe(1);
    circuit.recent.forget(1_000);
    expect(circuit.recent.failures).toBe(0);
  });
});
