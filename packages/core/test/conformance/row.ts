/** What becomes of one numbered case of the earlier systems. */
export type Disposition =
  /** It holds here; a test with its number shows it. */
  | { readonly is: 'tested' }
  /** It is different here on purpose; `by` says what stands in its place. */
  | { readonly is: 'replaced'; readonly by: string }
  /** It belongs to a part that does not exist yet. */
  | { readonly is: 'later'; readonly where: string; readonly why: string };

/** One numbered case: `98`, or `D5` for a case in which the new system must differ from the old one. */
export interface Row {
  readonly id: string;
  /** What the earlier system does; of a D row, what the new one must do. */
  readonly behaviour: string;
  readonly disposition: Disposition;
}

/** Cases that belong together. */
export interface Section {
  readonly title: string;
  readonly rows: readonly Row[];
}

/** A case that holds here. */
export function tested(id: number | string, behaviour: string): Row {
  return { id: String(id), behaviour, disposition: { is: 'tested' } };
}

/** A case that is different here on purpose. */
export function replaced(id: number | string, behaviour: string, by: string): Row {
  return { id: String(id), behaviour, disposition: { is: 'replaced', by } };
}

/** A case that waits for a part that does not exist yet. */
export function later(id: number | string, behaviour: string, where: string, why: string): Row {
  return { id: String(id), behaviour, disposition: { is: 'later', where, why } };
}
