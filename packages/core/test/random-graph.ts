import { seededRandom } from '@stageflow/testing';
import fc from 'fast-check';
import { arms, type Brings, type ScriptedCall, type ScriptedEdge, type ScriptedGraph, type ScriptedStage } from './scripted-graph.ts';

/**
 * What decides how a graph turns out: a sequence of numbers in [0, 65536), read one a decision. 0 is the plainest choice
 * each time, so smaller numbers make simpler graphs.
 */
class Genes {
  readonly #next: () => number;
  readonly #salt: number;
  #durations = 0;

  constructor(next: () => number, salt: number) {
    this.#next = next;
    this.#salt = salt;
  }

  below(count: number): number {
    return this.#next() % count;
  }

  chance(percent: number): boolean {
    return this.below(10_000) >= 10_000 - percent * 100;
  }

  pick<T>(choices: readonly T[]): T {
    return choices[this.below(choices.length)] as T;
  }

  /**
   * Whole multiples of 2^-26 ms in (0, 64 * `scale`]: sums of them are exact, and two are hardly ever equal, also where
   * all that is read are zeros.
   */
  ms(scale = 1): number {
    const salt = Math.imul(this.#salt * 61 + ++this.#durations, 0x9e37_79b1) >>> 12;
    return ((((this.#next() * 65_536 + this.#next()) ^ salt) >>> 0) + 1) * (scale / 2 ** 26);
  }
}

/** What a graph may contain. */
export interface GraphRules {
  /** Only what cannot change with how long stages take: nothing stops the run, and a limit passes for certain or never. */
  readonly timeless: boolean;
}

/** Graphs of at most `maxStages` stages that shrink stage by stage and choice by choice. */
export function smallGraphs(maxStages: number, rules: GraphRules = { timeless: false }): fc.Arbitrary<ScriptedGraph> {
  const genome = fc.noBias(fc.array(fc.nat(65_535), { minLength: 48, maxLength: 48 }));
  const stages = fc.array(genome, { minLength: 1, maxLength: maxStages, size: 'max' });
  return fc.tuple(genome, stages).map(([run, each]) =>
    growGraph(
      readFrom(run, 0),
      each.map((numbers, at) => readFrom(numbers, at + 1)),
      rules,
    ),
  );
}

/** Graphs of a size in [`minStages`, `maxStages`], made from a seed. */
export function largeGraphs(minStages: number, maxStages: number, rules: GraphRules = { timeless: false }): fc.Arbitrary<ScriptedGraph> {
  const seeds = fc.record({ seed: fc.nat(), size: fc.integer({ min: minStages, max: maxStages }) });
  return fc.noBias(seeds).map(({ seed, size }) => {
    const random = seededRandom(seed);
    const genes = new Genes(() => Math.floor(random() * 65_536), 0);
    return growGraph(genes, new Array<Genes>(size).fill(genes), rules);
  });
}

/** Mostly small graphs, some of hundreds of stages, a few of up to 2,000. */
export function randomGraphs(rules: GraphRules = { timeless: false }): fc.Arbitrary<ScriptedGraph> {
  return fc.oneof(
    { arbitrary: smallGraphs(14, rules), weight: 520 },
    { arbitrary: smallGraphs(60, rules), weight: 380 },
    { arbitrary: largeGraphs(60, 300, rules), weight: 85 },
    { arbitrary: largeGraphs(500, 2_000, rules), weight: 15 },
  );
}

function readFrom(numbers: readonly number[], salt: number): Genes {
  let at = 0;
  return new Genes(() => numbers[at++] ?? 0, salt);
}

/** How often things go wrong in a graph, and how wide it is. */
interface Temper {
  readonly timeless: boolean;
  readonly mishap: number;
  readonly window: number;
  /** Whether something outside of the stages ends the run sooner or later. */
  readonly endsAnyway: boolean;
}

function growGraph(run: Genes, genomes: readonly Genes[], { timeless }: GraphRules): ScriptedGraph {
  const failureMode = timeless ? 'continue' : run.pick(['continue', 'fail-fast', 'best-effort'] as const);
  // The larger a graph, the sooner one mishap ends it.
  const mishap = run.pick(genomes.length < 65 ? [0, 4, 12, 25] : [0, 0.1, 1, 10]);
  const window = run.pick([1_000_000, 1, 3, 12]);
  const byReference = run.chance(20);
  const maxConcurrency = run.chance(35) ? 1 + run.below(4) ** 2 : undefined;
  const deadlineMs = !timeless && run.chance(10) ? run.ms(6) + 2 ** -30 : undefined;
  const abortAtMs = !timeless && run.chance(10) ? run.pick([0, run.ms(1) + 2 ** -31, run.ms(4) + 2 ** -31]) : undefined;
  const temper: Temper = { timeless, mishap, window, endsAnyway: deadlineMs !== undefined || abortAtMs !== undefined };
  const stages: ScriptedStage[] = [];
  for (const genes of genomes) stages.push(growStage(genes, stages, temper));
  const { outputs, also } = wanted(run, stages, failureMode === 'best-effort' ? run.pick([35, 95]) : 35);
  const graceMs = run.pick([10, 0, 100, 400]);
  const timings = !run.chance(20);
  return legible({ stages, outputs, also, failureMode, maxConcurrency, deadlineMs, abortAtMs, graceMs, timings, byReference });
}

/** Counterexamples are printed without what is absent. */
function legible(graph: ScriptedGraph): ScriptedGraph {
  const isSaid = (value: unknown): boolean => value !== undefined && value !== false && !(Array.isArray(value) && value.length === 0);
  const print = (): string =>
    JSON.stringify(graph, (_, value) => (value === Number.POSITIVE_INFINITY ? 'Infinity' : isSaid(value) ? value : undefined), 1);
  return Object.defineProperty(graph, fc.toStringMethod, { value: print });
}

function growStage(genes: Genes, earlier: readonly ScriptedStage[], temper: Temper): ScriptedStage {
  const kind = genes.pick(['transform', 'transform', 'transform', 'transform', 'work', 'route', 'guard', 'transform'] as const);
  const needs = growNeeds(genes, earlier, temper.window);
  if (kind === 'guard')
    needs.push(genes.chance(20) || earlier.length === 0 ? { read: 'input', from: [] } : edgeTo(genes, earlier, temper.window));
  const base = {
    name: `s${earlier.length}`,
    kind,
    needs,
    after: earlier.length > 0 && genes.chance(10) ? [pickEarlier(genes, earlier, temper.window)] : [],
    when: growWhen(genes, earlier, temper.mishap),
    contract: kind !== 'guard' && kind !== 'route' && genes.chance(10) ? genes.pick(['at once', 'later', 'slow'] as const) : undefined,
    skipsOnFailure: kind !== 'guard' && kind !== 'route' && genes.chance(8),
    failOpen: kind === 'guard' && genes.chance(25),
    hasKey: kind === 'work' && genes.chance(50),
    asks: genes.chance(30) ? genes.pick(['always', 'never', 'throws'] as const) : undefined,
    retry: genes.chance(30)
      ? {
          attempts: 1 + genes.below(4),
          backoff: genes.pick(['constant', 'linear', 'exponential'] as const),
          jitter: genes.pick(['none', 'full', 'equal', 'decorrelated'] as const),
          baseMs: genes.below(40),
          maxMs: genes.pick([1_000, 50]),
        }
      : undefined,
  };
  const calls = Array.from({ length: base.retry === undefined ? 1 : 1 + genes.below(base.retry.attempts) }, () =>
    growCall(genes, base, temper),
  );
  return { ...base, ...growLimits(genes, calls, temper), calls };
}

/** Limits end in fractions of their own, so that none passes at the very moment when a call settles or another limit passes. */
function growLimits(
  genes: Genes,
  calls: readonly ScriptedCall[],
  { timeless, endsAnyway }: Temper,
): Pick<ScriptedStage, 'timeoutMs' | 'idleMs' | 'budgetMs' | 'graceMs'> {
  // Above the longest call and the slowest contract.
  const least = timeless ? 72 : 0;
  const needed = !endsAnyway && calls.some(({ afterMs }) => afterMs === Number.POSITIVE_INFINITY);
  const isSlow = calls.some(({ afterMs = 0 }) => afterMs > 64);
  return {
    timeoutMs: needed || genes.chance(isSlow ? 70 : 15) ? least + genes.ms() + 2 ** -27 : undefined,
    idleMs: !timeless && genes.chance(6) ? genes.ms() + 2 ** -28 : undefined,
    budgetMs: !timeless && genes.chance(8) ? genes.ms(2) + 2 ** -29 : undefined,
    graceMs: genes.chance(30) ? genes.pick([0, 5, 50]) : undefined,
  };
}

function growCall(genes: Genes, { kind, contract }: Pick<ScriptedStage, 'kind' | 'contract'>, { timeless, mishap }: Temper): ScriptedCall {
  const sync = genes.chance(35);
  const hangs = genes.chance(mishap / 3);
  const slow = !timeless && genes.chance(6);
  const lasts = hangs ? Number.POSITIVE_INFINITY : slow ? genes.ms(16) : genes.chance(12) ? 0 : genes.ms();
  const breaksContract = contract !== undefined && genes.chance(mishap);
  // A call that ignores its limits and then throws is of many turns the rarest.
  const isDefiant = slow && genes.chance(4 * mishap);
  return {
    brings: breaksContract ? 'nonsense' : isDefiant ? 'throw' : growBrings(genes, kind, mishap, timeless),
    afterMs: sync && !isDefiant ? undefined : lasts,
    onAbort: isDefiant ? 'ignores' : genes.pick(['obeys', 'ignores', 'keeps', 'throws', 'obeys'] as const),
    beatMs: genes.chance(10) ? genes.ms() : undefined,
    pullsThePlug: !timeless && genes.chance(mishap / 12),
  };
}

const mishaps: readonly Brings[] = ['throw', 'throw for good', 'fail', 'retryLater', 'skip', 'skip', 'suspend', 'nonsense', 'cancel'];
const badVerdicts: readonly Brings[] = ['block', 'block', 'nonsense', 'throw', 'review', 'skip', 'fail', 'retryLater', 'cancel'];

function growBrings(genes: Genes, kind: ScriptedStage['kind'], mishap: number, timeless: boolean): Brings {
  const goesWrong = genes.chance(kind === 'guard' ? 2 * mishap : mishap);
  if (!goesWrong) return kind === 'guard' ? genes.pick(['pass', 'transform'] as const) : 'value';
  const choices = kind === 'guard' ? badVerdicts : mishaps;
  return choices[genes.below(choices.length - (timeless ? 1 : 0))] as Brings;
}

function growNeeds(genes: Genes, earlier: readonly ScriptedStage[], window: number): ScriptedEdge[] {
  if (earlier.length === 0) return [];
  const edges = Array.from({ length: genes.pick([1, 1, 2, 0, 3]) }, () => edgeTo(genes, earlier, window));
  if (genes.chance(10)) edges.push({ read: genes.pick(['input', 'service'] as const), from: [] });
  return edges;
}

function edgeTo(genes: Genes, earlier: readonly ScriptedStage[], window: number): ScriptedEdge {
  const read = genes.pick(['value', 'value', 'value', 'value', 'optional', 'settled', 'firstOf', 'optionalFirstOf'] as const);
  const several = read === 'firstOf' || read === 'optionalFirstOf';
  const from = [pickEarlier(genes, earlier, window)];
  while (several && from.length < 2 + genes.below(2)) from.push(pickEarlier(genes, earlier, window));
  return allowed({ read, from }, earlier);
}

/** Only `value` and `settled` may read a guard that blocks. */
function allowed(edge: ScriptedEdge, stages: readonly ScriptedStage[]): ScriptedEdge {
  if (edge.read === 'value' || edge.read === 'settled') return edge;
  const closed = edge.from.some((index) => stages[index]?.kind === 'guard' && !stages[index].failOpen);
  return closed ? { read: 'value', from: edge.from.slice(0, 1) } : edge;
}

function pickEarlier(genes: Genes, { length }: readonly ScriptedStage[], window: number): number {
  return length - 1 - genes.below(Math.min(length, window));
}

function growWhen(genes: Genes, earlier: readonly ScriptedStage[], mishap: number): ScriptedStage['when'] {
  if (!genes.chance(15)) return undefined;
  const route = earlier.findLastIndex(({ kind }) => kind === 'route');
  if (route !== -1 && !genes.chance(40)) return { route, arms: arms.slice(genes.below(2), 2 + genes.below(2)) };
  return genes.chance(mishap) ? genes.pick(['throws', 'undecided'] as const) : 'even';
}

/** Whatever nothing reads is wanted, one way or another; and a few of the others. */
function wanted(run: Genes, stages: readonly ScriptedStage[], effects: number): Pick<ScriptedGraph, 'outputs' | 'also'> {
  const isRead = new Set<number>();
  for (const { needs, after, when } of stages) {
    for (const index of [...needs.flatMap(({ from }) => from), ...after]) isRead.add(index);
    if (typeof when === 'object') isRead.add(when.route);
  }
  const outputs: ScriptedEdge[] = [];
  const also: number[] = [];
  for (let index = stages.length - 1; index >= 0; index--) {
    if (isRead.has(index) && !run.chance(5)) continue;
    if (run.chance(effects)) also.push(index);
    else {
      const read = run.pick(['value', 'value', 'optional', 'settled', 'firstOf', 'optionalFirstOf'] as const);
      const isGroup = read === 'firstOf' || read === 'optionalFirstOf';
      outputs.push(allowed({ read, from: isGroup ? [index, run.below(stages.length)] : [index] }, stages));
    }
  }
  return { outputs, also };
}
