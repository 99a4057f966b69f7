/** Entry `/driver`: the same scheduler on an engine of the host's. */
export { type DrivenRun, type DrivenRunOptions, driveRun } from './driven/drive-run.ts';
export { runStep, type StepHost } from './driven/run-step.ts';
export { decode, type Encoded, type EncodeResult, encode } from './durable/codec.ts';
export type { Driver, SignalRequest, StartedOperation, StepFacts, StepOutcome, StepRequest } from './ports/driver.ts';
