import { diag } from '@opentelemetry/api';

/**
 * Does something for the telemetry. Interceptors fail closed, so what a tracer or a processor throws must not get through
 * to the run: it goes to the API's diagnostics, and the telemetry is poorer by it.
 */
export function unharmed<T>(act: () => T): T | undefined {
  try {
    return act();
  } catch (error) {
    try {
      diag.error('@stageflow/otel', error);
    } catch {
      // Neither must a logger of diagnostics.
    }
    return undefined;
  }
}
