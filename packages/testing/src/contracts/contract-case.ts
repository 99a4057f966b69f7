/**
 * One thing that every adapter of a port must do. Runs in any test runner: it throws where the adapter does not do it.
 *
 * @example
 * ```ts
 * for (const { name, run } of runStoreContract) test(name, () => run(myStore()));
 * ```
 */
export interface ContractCase<Port> {
  /** A sentence, unique in its contract. */
  readonly name: string;
  /** @param port - A fresh adapter, with nothing in it. */
  readonly run: (port: Port) => Promise<void>;
}

/** Throws unless both are the same as plain data; a member that is `undefined` is one that is not there, as in JSON. */
export function assertSame(actual: unknown, expected: unknown, what: string): void {
  const [found, wanted] = [print(actual), print(expected)];
  if (found !== wanted) throw new Error(`${what}: expected ${wanted}, received ${found}`);
}

/** Throws unless `promise` rejects. */
export async function assertRejects(promise: Promise<unknown>, what: string): Promise<void> {
  const rejected = await promise.then(
    () => false,
    () => true,
  );
  if (!rejected) throw new Error(`${what}: expected a rejection`);
}

function print(value: unknown): string {
  return JSON.stringify(value, (_key, member: unknown) => (isRecord(member) ? sorted(member) : member)) ?? 'undefined';
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function sorted(record: Readonly<Record<string, unknown>>): object {
  return Object.fromEntries(Object.entries(record).sort(([left], [right]) => (left < right ? -1 : 1)));
}
