import type { RunIdentity } from '../identity.ts';

/** A resource of the runtime that a stage needs a slot of. */
export interface ResourceUse<Values = unknown> {
  /** Its name among `limits.resources` of the runtime. */
  readonly name: string;
  /**
   * Whose share of it an attempt takes, where the resource limits the share of each key: a model, a customer.
   * @default the tenant of the run
   */
  // A method, so that a policy that was written for any stage fits one whose values are known.
  key?(values: Values, identity: RunIdentity): string | undefined;
  /** Added to the priority of the run. @default 0 */
  readonly priority?: number | undefined;
}

/** What a stage's option `resource` takes: a name, a name with more, or several of them. */
export type ResourceOption<Values = unknown> = string | ResourceUse<Values> | readonly (string | ResourceUse<Values>)[];

/** The same in one form; `undefined` where the stage needs none. */
export function resourceUses(option: ResourceOption | undefined): readonly ResourceUse[] | undefined {
  if (option === undefined) return undefined;
  const listed = typeof option === 'string' || !isList(option) ? [option] : option;
  return listed.length === 0 ? undefined : listed.map((use) => (typeof use === 'string' ? { name: use } : use));
}

function isList(option: Exclude<ResourceOption, string>): option is readonly (string | ResourceUse)[] {
  return Array.isArray(option);
}

/** The number of levels between the least and the usual priority, and between that and the highest. */
const levels = 1_000_000;

/** What is wrong with the option: what it should be and where, or `undefined`. */
export function resourceOptionProblem(
  option: unknown,
): { readonly option: string; readonly expected: string; readonly value: unknown } | undefined {
  const listed = Array.isArray(option) ? (option as unknown[]) : [option];
  const names = new Set<unknown>();
  for (const [index, use] of listed.entries()) {
    const at = Array.isArray(option) ? `resource[${index}]` : 'resource';
    if (typeof use !== 'string' && (typeof use !== 'object' || use === null)) {
      return { option: at, expected: 'the name of a resource, or an object with one', value: use };
    }
    const { name, key, priority = 0 } = typeof use === 'string' ? ({ name: use } as Partial<ResourceUse>) : (use as Partial<ResourceUse>);
    if (typeof name !== 'string' || name === '') return { option: `${at}.name`, expected: 'the name of a resource', value: name };
    if (names.has(name)) return { option: at, expected: 'a resource that is not named twice', value: name };
    names.add(name);
    if (key !== undefined && typeof key !== 'function') return { option: `${at}.key`, expected: 'a function', value: key };
    if (!(Math.abs(priority) <= levels))
      return { option: `${at}.priority`, expected: `a number from -${levels} to ${levels}`, value: priority };
  }
  return undefined;
}
