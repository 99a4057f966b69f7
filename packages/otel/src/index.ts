export { genAiConventions } from './attributes.ts';
export type { IncomingHeaders, Propagator } from './headers.ts';
export { type ModelCall, modelCalled } from './model-called.ts';
export { openTelemetry, type Telemetry, type TelemetryOptions } from './open-telemetry.ts';
