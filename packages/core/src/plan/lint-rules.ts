import type { StageKind } from '../stage.ts';
import type { LintFinding, LintSeverity } from './lint.ts';
import type { LintScope } from './lint-scope.ts';
import type { Plan, PlannedStage } from './plan.ts';

type Found = Pick<LintFinding, 'message' | 'hint'>;

/** One rule; what it says of a stage, or of the pipeline as a whole. */
interface LintRule {
  readonly rule: string;
  readonly severity: LintSeverity;
  readonly ofStage?: (stage: PlannedStage, scope: LintScope) => Found | undefined;
  readonly ofPipeline?: (scope: LintScope) => Found | undefined;
}

/** From here on a bound is a number that nobody has thought about. */
const manyAttempts = 10;
const manyTurns = 100;

/** Kinds that reach out of the process, or say that they do. */
const reachingOut: ReadonlySet<StageKind> = new Set<StageKind>(['enrich', 'agent', 'work']);

/** Every rule, those that matter most first. `docs/concepts/lint.md` has an example of each. */
export const lintRules: readonly LintRule[] = [
  {
    rule: 'effect-beside-guard',
    severity: 'warning',
    ofStage: (stage, { plan, behind }) => {
      if (stage.kind !== 'work') return undefined;
      const passed = plan.stages.find((guard) => judgesWhatIsReadBy(guard, stage) && !behind(guard.index).has(stage.index));
      return (
        passed && {
          message: `"${stage.name}" has its effect on a value that "${passed.name}" judges, and does not wait for the verdict.`,
          hint: `Let it read "${passed.name}" in place of what that judges, or stand after it.`,
        }
      );
    },
  },
  {
    rule: 'guard-without-reader',
    severity: 'warning',
    ofStage: ({ kind, name, index }, { isRead }) =>
      kind !== 'guard' || isRead(index)
        ? undefined
        : {
            message: `Nothing reads "${name}", so everything else runs without waiting for its verdict.`,
            hint: 'Let what it should protect read it, or stand after it.',
          },
  },
  {
    rule: 'fail-open-without-timeout',
    severity: 'warning',
    ofStage: ({ kind, name, failOpen, timeoutMs, idleMs, budgetMs }) =>
      kind !== 'guard' || !failOpen || timeoutMs !== undefined || idleMs !== undefined || budgetMs !== undefined
        ? undefined
        : {
            message: `"${name}" lets pass what it cannot judge, and has no limit: where it hangs, it lets nothing pass.`,
            hint: 'Give it a timeoutMs.',
          },
  },
  {
    rule: 'work-retried-without-key',
    severity: 'warning',
    ofStage: ({ kind, name, retry, idempotencyKey }) =>
      kind !== 'work' || (retry?.attempts ?? 1) === 1 || idempotencyKey !== undefined
        ? undefined
        : {
            message: `"${name}" is retried without an idempotency key: an attempt that failed late may have had its effect, which is then repeated.`,
            hint: 'Give it an idempotencyKey and hand context.idempotencyKey to the target, or take the retry away.',
          },
  },
  {
    rule: 'limit-never-applies',
    severity: 'warning',
    ofStage: (stage, { root }) => {
      const shadowed = shadowedLimit(stage, root);
      return (
        shadowed && {
          message: `"${stage.name}" has ${shadowed.limit}, which never applies: ${shadowed.by} comes first.`,
          hint: 'Mend the numbers, or remove the limit that never applies.',
        }
      );
    },
  },
  {
    rule: 'large-bound',
    severity: 'warning',
    ofStage: ({ name, retry, region, kind }) => {
      const attempts = retry?.attempts ?? (kind === 'guarded' ? numberOf(region?.options['attempts']) : undefined);
      const turns = kind === 'loop' && holds(region?.body, reachingOut) ? numberOf(region?.options['maxTurns']) : undefined;
      if ((attempts ?? 0) > manyAttempts) {
        return { message: `"${name}" may make ${attempts} attempts.`, hint: `Bound it lower, or by time with budgetMs or timeoutMs.` };
      }
      if ((turns ?? 0) <= manyTurns) return undefined;
      return {
        message: `"${name}" may take ${turns} turns, each of which reaches out of the process.`,
        hint: 'Lower maxTurns, or give the pipeline a deadlineMs and say so with a lint-ignore.',
      };
    },
  },
  {
    rule: 'enrich-fails-run',
    severity: 'info',
    ofStage: ({ kind, name, handled, retry }) =>
      kind !== 'enrich' || handled || retry !== undefined
        ? undefined
        : {
            message: `"${name}" enriches, is not retried, and nothing takes its failure into account: where it fails, so does the run.`,
            hint: `Give it onFailure: 'skip' and read it with optional(), read it with settled(), or give it a retry policy.`,
          },
  },
  {
    rule: 'side-effect-fails-run',
    severity: 'info',
    ofStage: ({ kind, name, index, handled }, { plan, isRead }) =>
      kind !== 'work' || handled || isRead(index) || plan.policy.failureMode === 'best-effort'
        ? undefined
        : {
            message: `Nothing reads "${name}", and still the run fails where it fails, whatever the outputs.`,
            hint: `Where the outputs matter more, give it onFailure: 'skip'.`,
          },
  },
  {
    rule: 'map-of-work-without-key',
    severity: 'info',
    ofStage: ({ kind, name, region }) =>
      kind !== 'map' || region?.options['key'] !== undefined || !holds(region?.body, new Set<StageKind>(['work']))
        ? undefined
        : {
            message: `"${name}" tells the effects of its items apart by position: when the list changes between two runs or on resume, keys belong to other items.`,
            hint: 'Give it a key: (item) => item.id.',
          },
  },
  {
    rule: 'map-without-bound',
    severity: 'info',
    ofStage: ({ kind, name, region }, { root }) =>
      kind !== 'map' ||
      region?.options['concurrency'] !== undefined ||
      root.policy.maxConcurrency !== undefined ||
      !holds(region?.body, reachingOut)
        ? undefined
        : {
            message: `"${name}" reaches out of the process for all of its items at once.`,
            hint: 'Give it a concurrency, or the pipeline a maxConcurrency.',
          },
  },
  {
    rule: 'duplicate-tag',
    severity: 'info',
    ofStage: ({ name, tags }) => {
      const twice = tags.find((tag, at) => tags.indexOf(tag) !== at);
      return twice === undefined ? undefined : { message: `"${name}" has the tag "${twice}" twice.`, hint: 'Remove one.' };
    },
  },
  {
    rule: 'no-time-limit',
    severity: 'info',
    ofPipeline: ({ root }) => {
      if (root.policy.deadlineMs !== undefined) return undefined;
      const unlimited = [...unlimitedStages(root, '')];
      if (unlimited.length === 0) return undefined;
      const [first, ...others] = unlimited;
      const and = others.length === 0 ? '' : ` and ${others.length} other ${others.length === 1 ? 'stage' : 'stages'}`;
      return {
        message: `Pipeline "${root.name}" has no deadline, and "${first}"${and} no limit: a call that hangs keeps its run for ever.`,
        hint: 'Give the pipeline a deadlineMs, or these stages a timeoutMs.',
      };
    },
  },
];

/** Whether a guard judges a value that `stage` reads. */
function judgesWhatIsReadBy(guard: PlannedStage, stage: PlannedStage): boolean {
  if (guard.kind !== 'guard') return false;
  const subjects = slotsOf(guard, guard.keys.indexOf('subject'));
  return stage.keys.some((_, at) => slotsOf(stage, at).some((slot) => subjects.includes(slot)));
}

function slotsOf({ slots, reads }: PlannedStage, at: number): readonly number[] {
  const read = reads?.[at];
  if (read === undefined) return slots.slice(at, at + 1);
  return read.read === 'firstOf' ? read.slots : [read.slot];
}

/** A limit of a stage that another, shorter one always comes before. */
function shadowedLimit(stage: PlannedStage, { policy }: Plan): { readonly limit: string; readonly by: string } | undefined {
  const { timeoutMs, idleMs, budgetMs, retry, kind, region } = stage;
  const { deadlineMs, maxConcurrency } = policy;
  const longer = (long: number | undefined, short: number | undefined): boolean =>
    long !== undefined && short !== undefined && long > short;
  if (longer(idleMs, timeoutMs)) return { limit: `an idleMs of ${idleMs}`, by: `its timeoutMs of ${timeoutMs}` };
  if (longer(timeoutMs, budgetMs)) return { limit: `a timeoutMs of ${timeoutMs}`, by: `its budgetMs of ${budgetMs}` };
  if (timeoutMs !== undefined && timeoutMs === budgetMs && (retry?.attempts ?? 1) > 1) {
    return { limit: `a retry after a timeout of ${timeoutMs} ms`, by: `its budgetMs of ${budgetMs}` };
  }
  for (const [name, limitMs] of [['timeoutMs', timeoutMs] as const, ['budgetMs', budgetMs] as const, ['idleMs', idleMs] as const]) {
    if (longer(limitMs, deadlineMs)) return { limit: `${name} of ${limitMs}`, by: `the deadlineMs of ${deadlineMs}` };
  }
  const concurrency = kind === 'map' ? numberOf(region?.options['concurrency']) : undefined;
  if (!longer(concurrency, maxConcurrency)) return undefined;
  return { limit: `a concurrency of ${concurrency}`, by: `the maxConcurrency of ${maxConcurrency}` };
}

/** Paths of the stages with a function of their own and no limit. */
function* unlimitedStages(plan: Plan, prefix: string): Generator<string> {
  for (const { name, region, timeoutMs, idleMs, budgetMs, tags } of plan.stages) {
    if (region?.body !== undefined) yield* unlimitedStages(region.body, `${prefix}${name}/`);
    const isLimited = timeoutMs !== undefined || idleMs !== undefined || budgetMs !== undefined;
    if (region === undefined && !isLimited && !tags.includes('lint-ignore:no-time-limit')) yield prefix + name;
  }
}

/** Whether a body holds a stage of one of these kinds, at any depth. */
function holds(body: Plan | undefined, kinds: ReadonlySet<StageKind>): boolean {
  return body?.stages.some(({ kind, region }) => kinds.has(kind) || holds(region?.body, kinds)) === true;
}

function numberOf(value: unknown): number | undefined {
  return typeof value === 'number' ? value : undefined;
}
