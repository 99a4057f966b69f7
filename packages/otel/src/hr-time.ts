import type { HrTime } from '@opentelemetry/api';

/** Epoch milliseconds as the API takes times: numbers could also mean milliseconds since the process began. */
export function hrTime(epochMs: number): HrTime {
  const seconds = Math.floor(epochMs / 1000);
  return [seconds, Math.round((epochMs - seconds * 1000) * 1_000_000)];
}
