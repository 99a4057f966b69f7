import { type Context, context } from '@opentelemetry/api';
import { unharmed } from './unharmed.ts';

/** Does something in a context. A context manager that fails keeps it from nothing, and does not do it twice. */
export function within<T>(at: Context, act: () => T): T {
  let done: { readonly value: T } | { readonly thrown: unknown } | undefined;
  unharmed(() =>
    context.with(at, () => {
      try {
        done = { value: act() };
      } catch (thrown) {
        done = { thrown };
      }
    }),
  );
  if (done === undefined) return act();
  if ('thrown' in done) throw done.thrown;
  return done.value;
}
