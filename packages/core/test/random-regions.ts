import fc from 'fast-check';
import type {
  Mishap,
  ScriptedBody,
  ScriptedNode,
  ScriptedPipeline,
  ScriptedPlain,
  ScriptedRead,
  ScriptedRegionRun,
} from './scripted-regions.ts';
import { ways } from './scripted-regions.ts';

/** What the runs may contain. */
export interface RegionRules {
  /** Only what cannot change with how long stages take: nothing races, and nothing stops a run or a part of it. */
  readonly timeless: boolean;
}

/** Decisions read from a sequence of numbers in [0, 65536); 0 is the plainest each time, so smaller numbers make simpler runs. */
class Genes {
  readonly #numbers: readonly number[];
  #at = 0;

  constructor(numbers: readonly number[]) {
    this.#numbers = numbers;
  }

  below(count: number): number {
    return (this.#numbers[this.#at++] ?? 0) % count;
  }

  chance(percent: number): boolean {
    return this.below(10_000) >= 10_000 - percent * 100;
  }

  pick<T>(choices: readonly T[]): T {
    return choices[this.below(choices.length)] as T;
  }

  /** Multiples of 2^-10 ms in (0, 64]. */
  ms(): number {
    return (this.below(65_535) + 1) * 2 ** -10;
  }
}

/** What decides how a run turns out. */
interface Temper extends RegionRules {
  readonly mishap: number;
  readonly mayHang: boolean;
}

/** Runs of pipelines with regions within regions, that shrink stage by stage and choice by choice. */
export function randomRegions(rules: RegionRules = { timeless: false }): fc.Arbitrary<ScriptedRegionRun> {
  const genome = fc.noBias(fc.array(fc.nat(65_535), { minLength: 40, maxLength: 40 }));
  const genomes = fc.array(genome, { minLength: 1, maxLength: 28, size: 'max' });
  return fc.tuple(genome, genomes).map(([run, each]) => growRun(new Genes(run), each, rules));
}

function growRun(run: Genes, genomes: readonly (readonly number[])[], { timeless }: RegionRules): ScriptedRegionRun {
  const failureMode = timeless
    ? run.pick(['continue', 'best-effort'] as const)
    : run.pick(['continue', 'fail-fast', 'best-effort', 'fail-fast'] as const);
  const mishap = run.pick([0, 3, 8, 20]);
  const maxConcurrency = run.chance(35) ? 1 + run.below(4) : undefined;
  const deadlineMs = !timeless && run.chance(12) ? run.ms() + 2 ** -12 : undefined;
  const abortAtMs = !timeless && run.chance(15) ? run.ms() + 2 ** -13 : undefined;
  const graceMs = run.pick([10, 0, 100]);
  const temper = { timeless, mishap, mayHang: deadlineMs !== undefined || abortAtMs !== undefined };
  const writer = new Writer(genomes, temper);
  const pipeline = writer.pipeline(run, Number.POSITIVE_INFINITY, 0);
  return legible({ ...pipeline, failureMode, maxConcurrency, deadlineMs, abortAtMs, graceMs });
}

/** Counterexamples are printed without what is absent. */
function legible(run: ScriptedRegionRun): ScriptedRegionRun {
  const isSaid = (value: unknown): boolean => value !== undefined && value !== false && !(Array.isArray(value) && value.length === 0);
  const print = (): string =>
    JSON.stringify(run, (_, value) => (value === Number.POSITIVE_INFINITY ? 'Infinity' : isSaid(value) ? value : undefined), 1);
  return Object.defineProperty(run, fc.toStringMethod, { value: print });
}

/** What can be read at one place, the nearest last. */
interface Sight {
  readonly stages: readonly ScriptedNode[];
  readonly locals: readonly string[];
  readonly input: boolean;
}

const deepest = 3;

/** Writes one node for each genome; a region with a body takes the genomes after its own for what it holds. */
class Writer {
  readonly #genomes: readonly (readonly number[])[];
  readonly #temper: Temper;
  #next = 0;

  constructor(genomes: readonly (readonly number[])[], temper: Temper) {
    this.#genomes = genomes;
    this.#temper = temper;
  }

  pipeline(genes: Genes, size: number, depth: number): ScriptedPipeline {
    const names = { next: 0 };
    const modes = this.#temper.timeless ? (['continue', 'best-effort'] as const) : (['continue', 'fail-fast', 'best-effort'] as const);
    const nodes = this.#nodes(size, { stages: [], locals: [], input: true }, depth, names);
    if (nodes.length === 0) nodes.push(this.#plain(genes, `s${names.next++}`, { stages: [], locals: [], input: true }));
    return { nodes, ...wanted(genes, nodes), failureMode: genes.chance(30) ? genes.pick(modes) : undefined };
  }

  #nodes(size: number, sight: Sight, depth: number, names: { next: number }): ScriptedNode[] {
    const nodes: ScriptedNode[] = [];
    while (nodes.length < size && this.#next < this.#genomes.length) {
      const genes = new Genes(this.#genomes[this.#next++] as readonly number[]);
      const stages = [...sight.stages, ...nodes];
      nodes.push(this.#node(genes, `s${names.next++}`, { ...sight, stages }, depth, names));
    }
    return nodes;
  }

  #node(genes: Genes, name: string, sight: Sight, depth: number, names: { next: number }): ScriptedNode {
    const kinds = [
      'stage',
      'stage',
      'stage',
      'stage',
      'map',
      'branch',
      'fallback',
      'loop',
      'guarded',
      'subpipeline',
      'map',
      'race',
      'branch',
    ] as const;
    const is = genes.pick(kinds);
    if (is === 'stage' || sight.stages.length === 0) return this.#plain(genes, name, sight);
    if (is === 'branch' || is === 'fallback' || is === 'race') return this.#choice(genes, is, name, sight);
    if (depth === deepest) return this.#plain(genes, name, sight);
    const size = 1 + genes.below(4);
    if (is === 'subpipeline') return { is, name, input: readOne(genes, sight), child: this.pipeline(genes, size, depth + 1) };
    const within = (...locals: string[]): Sight => ({ ...sight, locals: [...sight.locals, ...locals.map((local) => `${name}.${local}`)] });
    if (is === 'guarded') {
      const nodes = this.#nodes(size, within('feedback'), depth + 1, names);
      return {
        is,
        name,
        body: this.#closed(genes, nodes, within('feedback'), `${name}.feedback`, names, 'guard'),
        attempts: 1 + genes.below(4),
      };
    }
    if (is === 'loop') {
      const initial = readOne(genes, sight);
      const nodes = this.#nodes(size, within('state', 'turn'), depth + 1, names);
      const body = this.#closed(genes, nodes, within('state', 'turn'), `${name}.state`, names);
      const onExhausted = genes.pick(['keep', 'fail'] as const);
      return { is, name, initial, body, maxTurns: 1 + genes.below(4), onExhausted, untilThrows: genes.chance(this.#temper.mishap / 4) };
    }
    const items = listIn(genes, sight);
    const nodes = this.#nodes(size, within('item', 'index'), depth + 1, names);
    const body = this.#closed(genes, nodes, within('item', 'index'), `${name}.item`, names);
    const onItemError = genes.pick([undefined, 'collect', 'skip', 'fail'] as const);
    return { is, name, items, body, onItemError, concurrency: genes.chance(35) ? 1 + genes.below(2) : undefined, keyed: genes.chance(50) };
  }

  /** Ends a body with a stage that reads a local of its region, and most of what was written there. */
  #closed(
    genes: Genes,
    nodes: readonly ScriptedNode[],
    around: Sight,
    local: string,
    names: { next: number },
    kind?: 'guard',
  ): ScriptedBody {
    const sight = { ...around, stages: [...around.stages, ...nodes] };
    const plain = this.#plain(genes, `s${names.next++}`, sight, kind);
    const unread = nodes.filter(({ name }) => !nodes.some((node) => readsOf(node).includes(name)));
    const needs = unread.slice(-4).map(({ name }) => edgeTo(genes, name, sight));
    const subject = unread.at(-1)?.name;
    const own: ScriptedRead[] =
      kind === 'guard' ? [subject === undefined ? (plain.needs.at(-1) ?? input) : { read: 'value', from: [subject] }] : [];
    const last: ScriptedPlain = { ...plain, needs: [{ read: 'local', from: [local] }, ...needs, ...own] };
    return { nodes: [...nodes, last], output: last.name };
  }

  #choice(genes: Genes, is: 'branch' | 'fallback' | 'race', name: string, sight: Sight): ScriptedNode {
    const route = sight.stages.findLast(({ is: what, ...node }) => what === 'stage' && 'kind' in node && node.kind === 'route');
    const read = new Set(sight.stages.flatMap(readsOf));
    const heads = (count: number, allowed: (node: ScriptedNode) => boolean): string[] => {
      const candidates = sight.stages.filter(allowed);
      // Mostly what nothing else reads yet, so that the choice decides about it.
      const unread = candidates.filter((node) => !read.has(node.name));
      const from = unread.length > 1 && !genes.chance(25) ? unread : candidates;
      return from.length === 0
        ? []
        : Array.from({ length: count }, () => (from[from.length - 1 - genes.below(Math.min(from.length, 4))] as ScriptedNode).name);
    };
    if (is === 'branch') {
      if (route === undefined) return this.#plain(genes, name, sight, 'route');
      return { is, name, route: route.name, heads: heads(ways.length, () => true) };
    }
    const isRace = is === 'race' && !this.#temper.timeless;
    const chosen = heads(2 + genes.below(2), (node) => isRace || !isClosedGuard(node));
    const distinct = [...new Set(chosen)];
    return distinct.length < 2
      ? this.#plain(genes, name, sight)
      : isRace
        ? { is: 'race', name, heads: distinct }
        : { is: 'fallback', name, heads: distinct };
  }

  #plain(genes: Genes, name: string, sight: Sight, forced?: ScriptedPlain['kind']): ScriptedPlain {
    const { mishap, timeless, mayHang } = this.#temper;
    const kind = forced ?? genes.pick(['transform', 'transform', 'transform', 'guard', 'route', 'work', 'transform', 'route'] as const);
    const needs = Array.from({ length: genes.pick([1, 2, 1, 0, 3]) }, () => readOne(genes, sight));
    if (kind === 'guard') needs.push(readOne(genes, sight));
    const after = sight.stages.length > 0 && genes.chance(10) ? [nearest(genes, sight.stages).name] : [];
    const route = sight.stages.findLast((node) => node.is === 'stage' && node.kind === 'route');
    const when = !genes.chance(15)
      ? undefined
      : route !== undefined && genes.chance(70)
        ? { route: route.name, arms: ways.slice(0, 1 + genes.below(2)) }
        : 'even';
    const goesWrong = genes.chance(kind === 'guard' ? 3 * mishap : mishap);
    const what =
      kind === 'guard'
        ? genes.pick(['block', 'block', 'throw', 'time out'] as const)
        : genes.pick(['throw', 'throw', 'skip', 'skip', 'time out', 'cancel'] as const);
    const how = what === 'throw' ? genes.pick(['always', 'sometimes', 'once'] as const) : genes.pick(['always', 'sometimes'] as const);
    const fate: Mishap | undefined = goesWrong && !(timeless && what === 'cancel') ? { what, how } : undefined;
    const brings =
      kind === 'guard'
        ? genes.pick(['pass', 'transform'] as const)
        : kind === 'route'
          ? genes.chance(mishap / 2)
            ? 'elsewhere'
            : 'value'
          : genes.chance(25)
            ? genes.chance(6)
              ? 'twins'
              : 'list'
            : 'value';
    const hangs = mayHang && genes.chance(5);
    return {
      is: 'stage',
      name,
      kind,
      needs,
      after,
      when,
      brings,
      mishap: fate,
      afterMs: hangs ? Number.POSITIVE_INFINITY : genes.chance(35) ? undefined : genes.chance(12) ? 0 : genes.ms(),
      onAbort: genes.pick(['obeys', 'ignores', 'throws', 'obeys'] as const),
      skipsOnFailure: kind !== 'guard' && kind !== 'route' && genes.chance(8),
      failOpen: kind === 'guard' && genes.chance(25),
      limited: genes.chance(20),
      retries: fate?.how === 'once' ? genes.chance(80) : genes.chance(10),
    };
  }
}

const input: ScriptedRead = { read: 'input', from: ['text'] };

/** Whether it is a guard that may block, which only plain readers and `settled` may read. */
function isClosedGuard(node: ScriptedNode | undefined): boolean {
  return node?.is === 'stage' && node.kind === 'guard' && !node.failOpen;
}

function nearest(genes: Genes, stages: readonly ScriptedNode[]): ScriptedNode {
  return stages[stages.length - 1 - genes.below(Math.min(stages.length, 7))] as ScriptedNode;
}

function readOne(genes: Genes, sight: Sight): ScriptedRead {
  const { locals, stages } = sight;
  if (locals.length > 0 && genes.chance(45))
    return { read: 'local', from: [locals[locals.length - 1 - genes.below(Math.min(locals.length, 4))] as string] };
  return stages.length === 0 || genes.chance(4) ? input : edgeTo(genes, nearest(genes, stages).name, sight);
}

function edgeTo(genes: Genes, name: string, { stages }: Sight): ScriptedRead {
  const isRegion = stages.some((node) => node.name === name && node.is !== 'stage');
  const usual = isRegion ? (['value', 'value', 'settled'] as const) : (['value', 'value', 'value', 'value'] as const);
  const read = genes.pick([...usual, 'settled', 'optional', 'firstOf', 'optionalFirstOf'] as const);
  const isGroup = read === 'firstOf' || read === 'optionalFirstOf';
  const from = isGroup ? [...new Set([name, nearest(genes, stages).name])] : [name];
  const isClosed = from.some((each) => isClosedGuard(stages.find((node) => node.name === each)));
  if (read === 'value' || read === 'settled') return { read, from };
  return isClosed || (isGroup && from.length < 2) ? { read: 'value', from: [name] } : { read, from };
}

/** Something that is a list, if there is one. */
function listIn(genes: Genes, sight: Sight): ScriptedRead {
  const lists = sight.stages.filter(
    (node) => node.is === 'map' || (node.is === 'stage' && (node.brings === 'list' || node.brings === 'twins')),
  );
  if (lists.length === 0 || genes.chance(4)) return genes.chance(30) ? readOne(genes, sight) : { read: 'input', from: ['list'] };
  return { read: 'value', from: [nearest(genes, lists).name] };
}

/** Whatever nothing reads is wanted, one way or another; and a few of the others. */
function wanted(genes: Genes, nodes: readonly ScriptedNode[]): Pick<ScriptedPipeline, 'outputs' | 'also'> {
  const read = new Set(nodes.flatMap((node) => [...readsOf(node), ...capturedBy(node)]));
  const outputs: ScriptedRead[] = [];
  const also: string[] = [];
  for (const { name } of nodes.toReversed()) {
    if (read.has(name) && !genes.chance(5)) continue;
    if (genes.chance(25)) also.push(name);
    else outputs.push(edgeTo(genes, name, { stages: nodes, locals: [], input: true }));
  }
  return { outputs, also };
}

/** The stages that a node names itself. */
export function readsOf(node: ScriptedNode): readonly string[] {
  const from = (...reads: readonly ScriptedRead[]): string[] =>
    reads.flatMap(({ read, from: names }) => (read === 'local' || read === 'input' ? [] : names));
  switch (node.is) {
    case 'stage':
      return [...from(...node.needs), ...node.after, ...(typeof node.when === 'object' ? [node.when.route] : [])];
    case 'branch':
      return [node.route, ...node.heads];
    case 'map':
      return from(node.items);
    case 'loop':
      return from(node.initial);
    case 'subpipeline':
      return from(node.input);
    case 'guarded':
      return [];
    default:
      return node.heads;
  }
}

/** All that is named within the body of a node. */
function capturedBy(node: ScriptedNode): readonly string[] {
  return 'body' in node ? node.body.nodes.flatMap((each) => [...readsOf(each), ...capturedBy(each)]) : [];
}
