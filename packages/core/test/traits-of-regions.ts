import type { Explained } from './checks-of-regions.ts';
import { type End, endInWords } from './model-of-regions.ts';
import type { ObservedRegions } from './observed-regions.ts';
import { nodeAt, type ScriptedNode, type ScriptedRegion, type ScriptedRegionRun } from './scripted-regions.ts';

/** What has happened in one run, of all that the random regions are there to make happen. */
export function traitsOf(script: ScriptedRegionRun, explained: Explained, observed: ObservedRegions): readonly string[] {
  const seen = new Set<string>();
  for (const [trait, has] of Object.entries(runTraits)) if (has(script, explained, observed)) seen.add(trait);
  for (const [path, end] of explained.told) {
    const node = nodeAt(script, path);
    if (node === undefined) continue;
    const around = path.split('/').length - 1;
    const facts = { path, end, started: explained.facts.startedAt(path) !== undefined, depth: around, explained, observed };
    for (const [trait, has] of Object.entries(traits)) if (has(node, facts)) seen.add(trait);
    if (node.is !== 'stage') seen.add(`${node.is}: ${end.is === 'skipped' && end.root !== undefined ? 'behind a failure' : end.is}`);
  }
  return [...seen];
}

/** All that {@link traitsOf} may say. */
export function allTraits(): readonly string[] {
  const kinds = ['branch', 'fallback', 'race', 'map', 'loop', 'guarded', 'subpipeline'];
  const ends = ['completed', 'skipped', 'behind a failure', 'failed', 'blocked', 'cancelled'];
  // A branch whose arm fails or is blocked is skipped because of it.
  const combined = kinds.flatMap((kind) => ends.map((end) => `${kind}: ${end}`)).filter((trait) => trait !== 'branch: blocked');
  return [
    ...Object.keys(runTraits),
    ...Object.keys(traits),
    ...combined.filter((trait) => trait !== 'map: skipped' && trait !== 'subpipeline: skipped'),
    'map: skipped',
    'subpipeline: skipped',
  ];
}

type OfRun = (script: ScriptedRegionRun, explained: Explained, observed: ObservedRegions) => boolean;

const runTraits: Readonly<Record<string, OfRun>> = {
  'run: completed': (_, __, { run }) => run.status === 'completed' && !run.degraded,
  'run: degraded': (_, __, { run }) => run.status === 'completed' && run.degraded,
  'run: failed by fail-fast': (_, { facts }, { run }) =>
    run.status === 'failed' && Number.isFinite(facts.stoppedAt) && run.error.code !== 'SF_RUN_DEADLINE',
  'run: failed by its deadline': (_, __, { run }) => run.status === 'failed' && run.error.code === 'SF_RUN_DEADLINE',
  'run: failed, and finished the rest': (_, { facts }, { run }) => run.status === 'failed' && !Number.isFinite(facts.stoppedAt),
  'run: failed within an item': (_, __, { run }) => run.status === 'failed' && /\[.*\//.test(run.error.path ?? ''),
  'run: blocked by fail-fast': (_, { facts }, { run }) => run.status === 'blocked' && Number.isFinite(facts.stoppedAt),
  'run: blocked, and finished the rest': (_, { facts }, { run }) => run.status === 'blocked' && !Number.isFinite(facts.stoppedAt),
  'run: blocked by a guard within': (_, __, { run }) => run.status === 'blocked' && run.blockedBy.includes('/'),
  'run: cancelled by the caller': (_, __, { run }) => run.status === 'cancelled' && run.cancelledBy === undefined,
  'run: cancelled by a stage within': (_, __, { run }) => run.status === 'cancelled' && run.cancelledBy?.includes('/') === true,
  'run: stopped in the third scope': (_, { facts, told }) =>
    Number.isFinite(facts.stoppedAt) && [...told].some(([path, end]) => path.split('/').length > 3 && end.is === 'cancelled'),
  'run: at its limit': ({ maxConcurrency }, _, { run }) =>
    maxConcurrency !== undefined && [...run.stages.values()].some(({ queuedMs, path }) => queuedMs > 0 && path.includes('/')),
  'run: something within was given up': (_, __, { run }) => run.unsettled.some((path) => path.includes('/')),
  'run: three deep': (_, { told }) => [...told.keys()].some((path) => path.split('/').length > 3),
};

interface FactsOfPath {
  readonly path: string;
  readonly end: End;
  readonly started: boolean;
  readonly depth: number;
  readonly explained: Explained;
  readonly observed: ObservedRegions;
}

type Has = (node: ScriptedNode, facts: FactsOfPath) => boolean;

const only =
  <K extends ScriptedRegion['is']>(is: K, has: (node: Extract<ScriptedRegion, { readonly is: K }>, facts: FactsOfPath) => boolean): Has =>
  (node, facts) =>
    node.is === is && has(node as Extract<ScriptedRegion, { readonly is: K }>, facts);

const itemsOf = ({ path, explained: { told } }: FactsOfPath): string[] => [
  ...new Set([...told.keys()].flatMap((each) => (each.startsWith(`${path}[`) ? [each.slice(0, each.indexOf('/', path.length))] : []))),
];
const endsUnder = ({ explained: { told } }: FactsOfPath, prefix: string): End[] =>
  [...told].flatMap(([path, end]) => (path.startsWith(prefix) ? [end] : []));
const isFailing = ({ is }: End): boolean => is === 'failed' || is === 'blocked';

const traits: Readonly<Record<string, Has>> = {
  'stage: hoisted out of a body': (node, { path, started, explained }) =>
    node.is === 'stage' && started && isWrittenDeeper(explained, path),
  'stage: not wanted': (_, { end, started, path, explained }) => !started && end.is === 'skipped' && lifeOf(explained, path) === -1,
  'stage: aborted because a race was lost': (node, { end, started, path, explained }) =>
    node.is === 'stage' && started && end.is === 'skipped' && lifeOf(explained, path) < explained.facts.endedAt(path),
  'stage: lost a race before it started': (_, { end, started, path, explained }) =>
    !started && end.is === 'skipped' && Number.isFinite(lifeOf(explained, path)) && lifeOf(explained, path) > 0,
  'stage: a loser that had ended': (_, { end, path, explained }) => end.is === 'completed' && Number.isFinite(lifeOf(explained, path)),
  'stage: reads a failed region': (node, { started, path, explained }) =>
    started &&
    node.is === 'stage' &&
    node.needs.some(({ read, from }) => read === 'settled' && isRegionThat(explained, path, from[0] as string, 'failed')),
  'stage: reads a blocked region': (node, { started, path, explained }) =>
    started &&
    node.is === 'stage' &&
    node.needs.some(({ read, from }) => read === 'settled' && isRegionThat(explained, path, from[0] as string, 'blocked')),
  'stage: behind a failure outside of its scope': (_, { end, path }) =>
    end.is === 'skipped' && end.root !== undefined && !end.root.path.startsWith(path.slice(0, path.lastIndexOf('/') + 1)),
  'stage: tried again within': (node, { path, depth, observed }) =>
    node.is === 'stage' && depth > 0 && (observed.run.stages.get(path)?.attempts ?? 0) > 1,
  'stage: a failure within counts as a skip': (node, { end, depth, started }) =>
    node.is === 'stage' && node.skipsOnFailure && depth > 0 && started && end.is === 'skipped' && node.mishap?.what === 'throw',
  'branch: an arm that is not there': only('branch', (_, { end }) => end.is === 'failed'),
  'fallback: the second had the value': only(
    'fallback',
    ({ heads }, facts) => facts.end.is === 'completed' && endInWords(endOf(facts, heads[0] as string)) !== endInWords(facts.end),
  ),
  'race: the second was first': only(
    'race',
    ({ heads }, facts) => facts.end.is === 'completed' && endOf(facts, heads[0] as string).is !== 'completed',
  ),
  'map: nothing to do': only('map', (_, facts) => facts.end.is === 'completed' && itemsOf(facts).length === 0),
  'map: not a list, or twins': only('map', (_, { end, path }) => end.is === 'failed' && end.code === 'SF_MAP_INVALID' && end.path === path),
  'map: ended by an item': only(
    'map',
    ({ onItemError }, { end, path }) => (onItemError ?? 'fail') === 'fail' && end.is === 'failed' && end.path !== path,
  ),
  'map: stopped the other items': only(
    'map',
    (_, facts) => isFailing(facts.end) && itemsOf(facts).some((item) => endsUnder(facts, `${item}/`).some(({ is }) => is === 'cancelled')),
  ),
  'map: left out bad items': only(
    'map',
    ({ onItemError }, facts) =>
      onItemError === 'skip' && facts.end.is === 'completed' && itemsOf(facts).some((item) => endsUnder(facts, `${item}/`).some(isFailing)),
  ),
  'map: collected a failure': only(
    'map',
    ({ onItemError }, { end }) => onItemError === 'collect' && end.is === 'completed' && endInWords(end).includes('failed'),
  ),
  'map: collected a block': only(
    'map',
    ({ onItemError }, { end }) => onItemError === 'collect' && end.is === 'completed' && endInWords(end).includes('blocked by'),
  ),
  'map: its items ended in another order': only('map', (_, facts) => facts.end.is === 'completed' && isReordered(facts)),
  'map: a few at a time': only(
    'map',
    ({ concurrency }, facts) => concurrency !== undefined && facts.end.is === 'completed' && itemsOf(facts).length > concurrency,
  ),
  'loop: several turns': only('loop', (_, facts) => facts.end.is === 'completed' && itemsOf(facts).length > 1),
  'loop: exhausted': only('loop', (_, { end }) => end.is === 'failed' && end.code === 'SF_LOOP_EXHAUSTED'),
  'guarded: recovered': only('guarded', (_, facts) => facts.end.is === 'completed' && itemsOf(facts).length > 1),
  'guarded: exhausted': only('guarded', (_, { end }) => end.is === 'failed' && end.code === 'SF_GUARD_EXHAUSTED'),
  'guarded: stagnated': only(
    'guarded',
    ({ attempts }, facts) => facts.end.is === 'failed' && facts.end.code === 'SF_GUARD_EXHAUSTED' && itemsOf(facts).length < attempts,
  ),
  'guarded: its guard could not judge': only('guarded', (_, { end }) => end.is === 'blocked' && end.code !== undefined),
  'subpipeline: in a mode of its own': only('subpipeline', ({ child }, { started }) => started && child.failureMode !== undefined),
  'subpipeline: in the scope of an item': only('subpipeline', (_, { started, path }) => started && path.includes(']/')),
};

function endOf({ path, explained: { told } }: FactsOfPath, name: string): End {
  for (let prefix = path.slice(0, path.lastIndexOf('/') + 1); ; prefix = prefix.slice(0, prefix.lastIndexOf('/', prefix.length - 2) + 1)) {
    const end = told.get(prefix + name);
    if (end !== undefined) return end;
    if (prefix === '') return { is: 'cancelled' };
  }
}

function isRegionThat({ told }: Explained, path: string, name: string, is: End['is']): boolean {
  const prefix = path.slice(0, path.lastIndexOf('/') + 1);
  const below = [...told.keys()].some((each) => each.startsWith(`${prefix}${name}[`) || each.startsWith(`${prefix}${name}/`));
  return below && told.get(prefix + name)?.is === is;
}

function isReordered(facts: FactsOfPath): boolean {
  const { explained } = facts;
  const ends = itemsOf(facts).map((item) =>
    Math.max(...[...explained.told.keys()].map((path) => (path.startsWith(`${item}/`) ? explained.facts.endedAt(path) : 0))),
  );
  const order = itemsOf(facts).toSorted((left, right) => orderOf(explained, left) - orderOf(explained, right));
  const inOrder = order.map((item) => ends[itemsOf(facts).indexOf(item)] as number);
  return inOrder.some((at, position) => at < (inOrder[position - 1] ?? 0));
}

function orderOf({ facts, told }: Explained, item: string): number {
  return Math.min(
    ...[...told.keys()].map((path) => (path.startsWith(`${item}/`) ? (facts.order.get(path) ?? 0) : Number.POSITIVE_INFINITY)),
  );
}

/** The life of a stage of the outermost scope; those within are looked at there. */
function lifeOf({ root }: Explained, path: string): number {
  return path.includes('/') ? Number.POSITIVE_INFINITY : root.life(path);
}

/** Whether a stage of the outermost scope was written within a body. */
function isWrittenDeeper({ root }: Explained, path: string): boolean {
  return !path.includes('/') && !root.layout.script.nodes.some(({ name }) => name === path);
}
