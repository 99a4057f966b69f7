import { setTimeout as after } from 'node:timers/promises';

/** What the shop's services answer about a customer. Every call takes the signal of the stage that makes it. */
export interface Shop {
  profile(customerId: string, signal: AbortSignal): Promise<{ readonly name: string }>;
  orders(customerId: string, signal: AbortSignal): Promise<readonly string[]>;
  suggestions(customerId: string, signal: AbortSignal): Promise<readonly string[]>;
}

/**
 * A shop that behaves as services do: the profile fails once, and suggestions take longer than anybody would wait.
 */
export function shopOnABadDay(): Shop {
  let calls = 0;
  return {
    async profile(_customerId, signal) {
      await after(30, undefined, { signal });
      calls += 1;
      if (calls === 1) throw new Error('connection reset');
      return { name: 'Ada' };
    },
    orders: (_customerId, signal) => after(60, ['a slide rule', 'a card reader'], { signal }),
    suggestions: (_customerId, signal) => after(60_000, ['a loom'], { signal }),
  };
}
