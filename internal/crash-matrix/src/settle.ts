import { goOn } from './go-on.ts';
import type { Place } from './place.ts';

/** What such a program is started with, in the order of the command line. */
export interface SettleArguments {
  /** Where the store is: a file, a URL. */
  readonly target: string;
  readonly runId: string;
  /** The point at which the process is killed; any other text for none. */
  readonly killAt: string;
  readonly isSlow: boolean;
}

/** As they stand on the command line. */
export function inOrder({ target, runId, killAt, isSlow }: SettleArguments): readonly string[] {
  return [target, runId, killAt, String(isSlow)];
}

/** Those of this process. */
export function settleArguments(): SettleArguments {
  const [target = '', runId = '', killAt = '', isSlow = ''] = process.argv.slice(2);
  return { target, runId, killAt, isSlow: isSlow === 'true' };
}

/** Brings one settlement to its end in this process, which may be killed at any moment. */
export async function settle(place: Place, { runId }: SettleArguments): Promise<void> {
  await goOn(place, runId);
  process.stdout.write('ended\n');
  await place.close();
}
