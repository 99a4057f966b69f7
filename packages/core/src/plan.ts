/** Plans as data and as drawings. */
export { toDot } from './plan/dot.ts';
export { type LintFinding, type LintOptions, type LintSeverity, lint } from './plan/lint.ts';
export { toMermaid } from './plan/mermaid.ts';
export type { Plan, PlannedInput, PlannedOutput, PlannedStage } from './plan/plan.ts';
export { type EdgeJson, type PlanJson, planJson, planJsonVersion, type StageJson } from './plan/plan-json.ts';
export { type StageDefinition, type StageSource, stageParts } from './stage.ts';
