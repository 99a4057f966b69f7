import { arrivedLate, isUnsettled } from './checks-of-runs.ts';
import { decidersOf, type Life, waitsOf } from './model.ts';
import { handledStages } from './model-of-runs.ts';
import type { Observed } from './observed-run.ts';
import type { ScriptedGraph } from './scripted-graph.ts';

/** What has happened in one run, of all that the random graphs are there to make happen. */
export function traitsOf(graph: ScriptedGraph, lives: readonly Life[], observed: Observed): ReadonlySet<string> {
  const traits = new Set<string>([...traitsOfRun(graph, observed)]);
  const handled = handledStages(graph);
  for (const life of lives) {
    for (const [trait, has] of Object.entries(stageTraits)) if (has(life, lives, observed)) traits.add(trait);
    if (life.end.is === 'failed') traits.add(handled.has(life.stage.name) ? 'stage: failed, handled' : 'stage: failed, unhandled');
    if (life.end.is === 'blocked') traits.add(handled.has(life.stage.name) ? 'stage: blocked, handled' : 'stage: blocked, unhandled');
  }
  return traits;
}

/** Everything that {@link traitsOf} can say. */
export function allTraits(): readonly string[] {
  return [
    ...Object.keys(runTraits),
    ...Object.keys(stageTraits),
    ...['failed', 'blocked'].flatMap((is) => [`stage: ${is}, handled`, `stage: ${is}, unhandled`]),
  ];
}

function traitsOfRun(graph: ScriptedGraph, observed: Observed): readonly string[] {
  return Object.entries(runTraits).flatMap(([trait, has]) => (has(graph, observed) ? [trait] : []));
}

const isStopped = ({ facts }: Observed): boolean => Number.isFinite(facts.stopAt);

const runTraits: Readonly<Record<string, (graph: ScriptedGraph, observed: Observed) => boolean>> = {
  'run: completed': (_, { run }) => run.status === 'completed' && !run.degraded,
  'run: degraded': (_, { run }) => run.status === 'completed' && run.degraded,
  'run: failed by fail-fast': ({ failureMode }, observed) =>
    isStopped(observed) && observed.run.status === 'failed' && failureMode === 'fail-fast' && observed.run.error.path !== undefined,
  'run: failed by its deadline': (_, { run }) => run.status === 'failed' && run.error.code === 'SF_RUN_DEADLINE',
  'run: failed, and finished the rest': (_, observed) => !isStopped(observed) && observed.run.status === 'failed',
  'run: failed in best-effort, an output missing': ({ failureMode, outputs }, { run }) =>
    run.status === 'failed' && failureMode === 'best-effort' && Object.keys(run.outputs).length < outputs.length,
  'run: failed in best-effort, its outputs whole, because something blocked': ({ failureMode, outputs }, observed) =>
    !isStopped(observed) &&
    observed.run.status === 'failed' &&
    failureMode === 'best-effort' &&
    Object.keys(observed.run.outputs).length === outputs.length,
  'run: blocked by fail-fast': (_, observed) => isStopped(observed) && observed.run.status === 'blocked',
  'run: blocked, and finished the rest': (_, observed) => !isStopped(observed) && observed.run.status === 'blocked',
  'run: cancelled by a stage': (_, { run }) => run.status === 'cancelled' && run.cancelledBy !== undefined,
  'run: cancelled by the caller': ({ abortAtMs = 0 }, { run, facts }) =>
    run.status === 'cancelled' && abortAtMs > 0 && facts.stopAt === abortAtMs,
  'run: cancelled before it began': ({ abortAtMs }) => abortAtMs === 0,
  'run: cancelled from within': ({ abortAtMs }, { run, facts }) =>
    run.status === 'cancelled' && run.cancelledBy === undefined && facts.stopAt !== abortAtMs,
  'run: waited out the grace': ({ graceMs }, observed) =>
    isStopped(observed) && graceMs > 0 && observed.facts.endAt === observed.facts.stopAt + graceMs,
  'run: by reference': ({ byReference }) => byReference,
  'run: without timings': ({ timings }) => !timings,
  'run: cleaned up after two': (_, { deeds }) => deeds.filter(({ did }) => did === 'cleaned up').length > 1,
  'run: of more than 1,500 stages': ({ stages }) => stages.length > 1_500,
  'run: at its limit': ({ maxConcurrency = 0 }, { run }) =>
    maxConcurrency > 1 && [...run.stages.values()].some(({ queuedMs }) => queuedMs > 0),
  'run: calls went on after it': ({ stages }, { facts, deeds }) =>
    deeds.filter(({ did }) => did === 'called').length > deeds.filter(({ did }) => did === 'settled').length &&
    facts.endAt >= 0 &&
    stages.length > 0,
};

type Has = (life: Life, lives: readonly Life[], observed: Observed) => boolean;

const failedWith =
  (code: string): Has =>
  ({ calls }) =>
    calls.some(({ failed }) => failed === code);

const reads = ({ stage }: Life, lives: readonly Life[], read: string, is: string): boolean =>
  stage.needs.some((edge) => edge.read === read && decidersOf(edge, lives).at(-1)?.end.is === is);

const stageTraits: Readonly<Record<string, Has>> = {
  'stage: skipped by choice': ({ end }) => end.is === 'skipped' && end.rootCause === undefined,
  'stage: skipped behind a failure': ({ end }) => end.is === 'skipped' && end.rootCause?.status === 'failed',
  'stage: skipped behind a block': ({ end }) => end.is === 'skipped' && end.rootCause?.status === 'blocked',
  'stage: behind a root cause it does not read': ({ stage, end }, lives) =>
    end.is === 'skipped' &&
    end.rootCause !== undefined &&
    !waitsOf(stage).some(({ from }) => from.some((at) => lives[at]?.stage.name === end.rootCause?.stage)),
  'stage: cancelled in its call': ({ end, calls }) => end.is === 'cancelled' && end.asked === undefined && calls.length > 0,
  'stage: cancelled between two calls': ({ end, calls }, _, { facts }) =>
    end.is === 'cancelled' && calls.at(-1)?.retryInMs !== undefined && facts.stopAt >= 0,
  'stage: cancelled before it started': ({ end, calls }) => end.is === 'cancelled' && calls.length === 0,
  'stage: completed after the stop': ({ end, endAt }, _, { facts }) => end.is === 'completed' && endAt > facts.stopAt,
  'stage: kept a value when it was aborted': ({ end, calls }) =>
    end.is === 'completed' &&
    calls.at(-1)?.script.onAbort === 'keeps' &&
    calls.some(({ answeredAt, startAt, script }) => answeredAt < startAt + (script.afterMs ?? 0)),
  'stage: synchronous': ({ calls }) => calls.some(({ script }) => script.afterMs === undefined),
  'stage: a promise at once': ({ calls }) => calls.some(({ script }) => script.afterMs === 0),
  'stage: completed at the second attempt or later': ({ end, calls }) => end.is === 'completed' && calls.length > 1,
  'stage: out of attempts': ({ stage, end, calls }) => end.is === 'failed' && calls.length > 1 && calls.length === stage.retry?.attempts,
  'stage: a failure not worth another attempt': ({ stage, end, calls }) =>
    end.is === 'failed' && calls.length < (stage.retry?.attempts ?? 1),
  'stage: waited for a slot': ({ calls }) => calls[0] !== undefined && calls[0].startAt > calls[0].readyAt,
  'stage: waited for a slot before another attempt': ({ calls }) => calls.slice(1).some(({ startAt, readyAt }) => startAt > readyAt),
  'stage: kept alive by a heartbeat': ({ stage: { idleMs }, calls }) =>
    calls.some(({ script, startAt, closedAt }) => idleMs !== undefined && (script.beatMs ?? 0) < idleMs && closedAt > startAt + idleMs),
  'stage: abandoned': ({ calls }) => calls.some(({ isAbandoned }) => isAbandoned),
  'stage: abandoned, then another attempt': ({ calls }) => calls.slice(0, -1).some(({ isAbandoned }) => isAbandoned),
  'stage: work without a key, not tried again': ({ stage, calls }) =>
    stage.kind === 'work' && !stage.hasKey && calls.length < (stage.retry?.attempts ?? 1) && calls.at(-1)?.isAbandoned === true,
  'stage: given up, then the run stopped, then it settled': ({ calls }, _, { facts: { stopAt, endAt } }) =>
    calls.some(
      ({ failed, closedAt, answeredAt, script }) =>
        (failed === 'SF_STAGE_TIMEOUT' || failed === 'SF_STAGE_IDLE') &&
        script.brings === 'throw' &&
        closedAt > stopAt &&
        answeredAt <= endAt,
    ),
  'stage: its contract ran into a limit': ({ calls }) =>
    calls.some(({ failed, answeredAt, closedAt }) => failed === 'SF_STAGE_TIMEOUT' && answeredAt < closedAt && Number.isFinite(answeredAt)),
  'stage: progressed after the run': ({ calls }, _, { facts }) =>
    calls.some(({ script, answeredAt }) => script.beatMs !== undefined && answeredAt > facts.endAt && Number.isFinite(answeredAt)),
  'stage: tried again what is not worth it, because it asks': ({ stage, calls }) =>
    stage.asks === 'always' &&
    calls.some(({ script, failed, retryInMs }) => script.brings === 'throw for good' && failed !== undefined && retryInMs !== undefined),
  'stage: tried no more, because its classifier threw': ({ stage, calls }) =>
    stage.asks === 'throws' && calls.length < (stage.retry?.attempts ?? 1) && calls.at(-1)?.failed === 'SF_STAGE_FAILED',
  'stage: a failure that nothing makes worth another attempt': ({ stage, calls }) =>
    stage.asks === 'always' && calls.length < (stage.retry?.attempts ?? 1) && /ROUTE|GUARD|RUNTIME/.test(calls.at(-1)?.failed ?? ''),
  'stage: arrived late': ({ calls }, _, { facts }) => calls.some((call) => arrivedLate(call, facts.endAt)),
  'stage: unsettled': (life, _, { facts }) => isUnsettled(life, facts.endAt),
  'stage: SF_STAGE_FAILED': failedWith('SF_STAGE_FAILED'),
  'stage: SF_STAGE_TIMEOUT': failedWith('SF_STAGE_TIMEOUT'),
  'stage: SF_STAGE_IDLE': failedWith('SF_STAGE_IDLE'),
  'stage: SF_STAGE_BUDGET': failedWith('SF_STAGE_BUDGET'),
  'stage: SF_OUTPUT_INVALID': failedWith('SF_OUTPUT_INVALID'),
  'stage: SF_ROUTE_INVALID': failedWith('SF_ROUTE_INVALID'),
  'stage: SF_GUARD_FAILED': failedWith('SF_GUARD_FAILED'),
  'stage: SF_RUNTIME_REQUIRED': failedWith('SF_RUNTIME_REQUIRED'),
  'stage: SF_WHEN_INVALID': ({ failure }) => failure === 'SF_WHEN_INVALID',
  'stage: contract met': ({ stage, end }) => stage.contract !== undefined && end.is === 'completed',
  'stage: a failure that counts as a skip': ({ end, failure }) => end.is === 'skipped' && failure !== undefined,
  'stage: failed open': ({ failedOpen }) => failedOpen,
  'stage: another arm was chosen': ({ stage, end, calls }, lives) =>
    typeof stage.when === 'object' &&
    end.is === 'skipped' &&
    calls.length === 0 &&
    lives[stage.when.route]?.end.is === 'completed' &&
    end.rootCause === undefined,
  'stage: its arm was chosen': ({ stage, end }) => typeof stage.when === 'object' && end.is === 'completed',
  'stage: its predicate said yes': ({ stage, end }) => stage.when === 'even' && end.is === 'completed',
  'stage: reads a skip as undefined': (life, lives) => life.calls.length > 0 && reads(life, lives, 'optional', 'skipped'),
  'stage: reads a failure': (life, lives) => life.calls.length > 0 && reads(life, lives, 'settled', 'failed'),
  'stage: reads a block': (life, lives) => life.calls.length > 0 && reads(life, lives, 'settled', 'blocked'),
  'stage: reads no alternative': (life, lives) => life.calls.length > 0 && reads(life, lives, 'optionalFirstOf', 'skipped'),
  'stage: reads an alternative that is not the first': ({ stage, calls }, lives) =>
    calls.length > 0 && stage.needs.some((edge) => edge.read === 'firstOf' && decidersOf(edge, lives).length > 1),
  'stage: started before an alternative had ended': ({ stage, calls }, lives) =>
    stage.needs.some(
      ({ read, from }) =>
        read === 'firstOf' && from.some((at) => (lives[at]?.endAt ?? 0) > (calls[0]?.startAt ?? Number.POSITIVE_INFINITY)),
    ),
};
