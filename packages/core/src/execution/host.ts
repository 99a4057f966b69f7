import type { Clock } from '../ports/clock.ts';
import type { ConfigProvider } from '../ports/config-provider.ts';

/** What a run gets from around it. */
export interface Host {
  readonly clock: Clock;
  /** In [0, 1). */
  readonly random: () => number;
  readonly config: ConfigProvider | undefined;
  readonly extensions: Readonly<Record<string, unknown>> | undefined;
}
