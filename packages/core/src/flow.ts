export type { Flow } from './flow/builder.ts';
export { compose } from './flow/compose.ts';
export { flow } from './flow/flow.ts';
export type { LinkNeed, NamedNeed, NamedNeeds, NamedStage, StagesOf, SubjectNeed, WithStage } from './flow/named-needs.ts';
export type { GroupOptions } from './flow/specs.ts';
