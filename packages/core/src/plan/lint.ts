import { nearestName } from '../nearest-name.ts';
import { lintRules } from './lint-rules.ts';
import { type LintScope, scopeOf } from './lint-scope.ts';
import type { Plan, PlannedStage } from './plan.ts';

/** `error`: do not ship it. `warning`: look at it. `info`: know of it. */
export type LintSeverity = 'error' | 'warning' | 'info';

/** One thing about a plan that is allowed and may not be meant. */
export interface LintFinding {
  readonly rule: string;
  readonly severity: LintSeverity;
  /** The stage, below the regions that hold it: `totals/fetch`. Empty for the pipeline itself. */
  readonly path: string;
  readonly message: string;
  readonly hint: string;
}

/** What {@link lint} leaves out. */
export interface LintOptions {
  /** Names of rules, each for all of the plan or, as `rule:path`, for one stage. @default none */
  readonly ignore?: readonly string[] | undefined;
}

/** What follows in a tag is a rule that its stage is not held to. */
const ignoreTag = 'lint-ignore:';

/**
 * Looks for what a plan allows and its author may not have meant. What cannot be right is refused when the pipeline is
 * made, so nothing here keeps a pipeline from running. Regions and nested pipelines are looked into; what stages call at
 * run time cannot be seen.
 *
 * A stage is left out of a rule by its tag `lint-ignore:<rule>`; see {@link LintOptions} for the rest.
 *
 * @returns In the order of the plan, a region before what it holds.
 * @example
 * ```ts
 * for (const { severity, path, rule, message } of lint(chat.plan)) console.log(severity, path, rule, message);
 * ```
 */
export function lint(plan: Plan, { ignore = [] }: LintOptions = {}): readonly LintFinding[] {
  const ignored = new Set(ignore);
  const findings = [...unknownRules(ignore, '"ignore"', '')];
  for (const scope of scopes(scopeOf(plan, '', plan))) {
    if (scope.prefix === '') findings.push(...pipelineFindings(scope));
    for (const stage of scope.plan.stages) findings.push(...stageFindings(scope, stage));
  }
  return findings.filter(({ rule, path }) => !ignored.has(rule) && !ignored.has(`${rule}:${path}`));
}

/** A scope, and those its regions hold. Recurses as deep as regions are nested. */
function* scopes(scope: LintScope): Generator<LintScope> {
  yield scope;
  for (const { name, region } of scope.plan.stages) {
    if (region?.body !== undefined) yield* scopes(scopeOf(region.body, `${scope.prefix}${name}/`, scope.root));
  }
}

function pipelineFindings(scope: LintScope): LintFinding[] {
  return lintRules.flatMap(({ rule, severity, ofPipeline }) => {
    const found = ofPipeline?.(scope);
    return found === undefined ? [] : [{ rule, severity, path: '', ...found }];
  });
}

function stageFindings(scope: LintScope, stage: PlannedStage): LintFinding[] {
  const path = scope.prefix + stage.name;
  const tags = stage.tags.filter((tag) => tag.startsWith(ignoreTag)).map((tag) => tag.slice(ignoreTag.length));
  const findings = lintRules.flatMap(({ rule, severity, ofStage }) => {
    const found = tags.includes(rule) ? undefined : ofStage?.(stage, scope);
    return found === undefined ? [] : [{ rule, severity, path, ...found }];
  });
  return [...findings, ...unknownRules(tags, `A tag of "${path}"`, path)];
}

/** A rule that is misspelt would be kept without a word. */
function unknownRules(names: readonly string[], subject: string, path: string): LintFinding[] {
  const known = lintRules.map(({ rule }) => rule);
  return names.flatMap((name) => {
    const [rule = ''] = name.split(':', 1);
    if (rule === 'unknown-rule' || known.includes(rule)) return [];
    const nearest = nearestName(rule, known);
    return {
      rule: 'unknown-rule',
      severity: 'warning' as const,
      path,
      message: `${subject} names the rule "${rule}", which does not exist.`,
      hint: nearest === undefined ? 'Mend the name, or remove it.' : `Did you mean "${nearest}"?`,
    };
  });
}
