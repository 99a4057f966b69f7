import type { ErrorDetails, PlanProblem } from '../error-details.ts';
import { errorTable } from '../error-table.ts';
import { type DraftEdge, type DraftStage, isValueRead, type PlanDraft } from './draft.ts';
import { asProblems, count, duration, oneOf } from './policy-problems.ts';

const overflows = ['block', 'drop-oldest', 'drop-newest', 'error'];

/**
 * What is wrong with the streamed edges of one scope: those that read what gives no chunks, and those whose reader
 * could not begin before its producer waits for it.
 *
 * @param ordered - The stages that can be reached, those they need first.
 */
export function streamProblems(draft: PlanDraft, ordered: readonly DraftStage[]): readonly PlanProblem[] {
  const problems: PlanProblem[] = [];
  for (const { key, read, from } of draft.outputs) {
    if (read !== 'streamed') continue;
    const why = `a run hands over its outputs when it has ended; read the events of "${from[0]}" with streams: { publish: true }`;
    problems.push(invalidStream({ reader: `output "${key}"`, stage: String(from[0]), why }));
  }
  let positions: Map<string, number> | undefined;
  for (const reader of ordered) {
    for (const edge of reader.needs) {
      if (edge.read !== 'streamed') continue;
      positions ??= new Map(ordered.map(({ name }, at) => [name, at]));
      const captured = draft.captures?.includes(String(edge.from[0])) === true;
      problems.push(...edgeProblems(reader, edge, captured, ordered, positions));
    }
  }
  return problems;
}

function invalidStream(details: ErrorDetails['SF_STREAM_INVALID']): PlanProblem {
  const entry = errorTable.SF_STREAM_INVALID;
  return { code: 'SF_STREAM_INVALID', message: entry.message(details), hint: entry.hint(details) };
}

function edgeProblems(
  reader: DraftStage,
  { key, from: [name = ''], stream = {} }: DraftEdge,
  captured: boolean,
  ordered: readonly DraftStage[],
  positions: ReadonlyMap<string, number>,
): readonly PlanProblem[] {
  const subject = `streamed edge "${key}" of stage "${reader.name}"`;
  const rules = [
    count('capacity', stream.capacity),
    oneOf('overflow', stream.overflow, overflows),
    duration('putTimeoutMs', stream.putTimeoutMs),
  ];
  const problems = [...asProblems(subject, rules)];
  const invalid = (why: string): void => {
    problems.push(invalidStream({ reader: `stage "${reader.name}"`, stage: name, why }));
  };
  const producer = ordered[positions.get(name) ?? -1];
  if (producer === undefined) {
    if (captured) invalid('it stands outside of the region of its reader');
  } else if (producer.spec.streams === undefined) invalid('it gives no chunks, as it does not say streams: true');
  else if ((stream.overflow ?? 'block') === 'block') {
    const way = waitingWay(reader, name, ordered, positions);
    if (way !== undefined) invalid(`"${reader.name}" begins only when ${way} has ended, and that would wait for "${reader.name}"`);
  }
  return problems;
}

/**
 * Whether `reader` has another way to `producer` on which it waits for an end: then the producer's buffer fills up
 * before the reader begins, and neither goes on. Only what stands between the two is looked at.
 *
 * @returns The stage that is waited for.
 */
function waitingWay(
  reader: DraftStage,
  producer: string,
  ordered: readonly DraftStage[],
  positions: ReadonlyMap<string, number>,
): string | undefined {
  const first = positions.get(producer) as number;
  const pending = [{ stage: reader, waits: undefined as string | undefined }];
  const seen = new Set<string>();
  for (let next = pending.pop(); next !== undefined; next = pending.pop()) {
    for (const { name, streams } of waysOf(next.stage)) {
      const waits = next.waits ?? (streams ? undefined : `"${name}"`);
      if (name === producer) {
        if (waits !== undefined) return waits;
        continue;
      }
      const at = positions.get(name) ?? -1;
      const id = `${name}/${waits === undefined}`;
      if (at < first || seen.has(id)) continue;
      seen.add(id);
      pending.push({ stage: ordered[at] as DraftStage, waits });
    }
  }
  return undefined;
}

/** What a stage needs before it begins, and whether it needs only the beginning of it. */
function waysOf({ needs, after, when, region }: DraftStage): { readonly name: string; readonly streams: boolean }[] {
  const edges = [...needs, ...(region?.captures ?? [])].filter(({ read }) => !isValueRead(read));
  return [
    ...edges.flatMap(({ read, from }) => from.map((name) => ({ name, streams: read === 'streamed' }))),
    ...[...after, ...(when === undefined ? [] : [when.route]), ...(region?.heads ?? []).map(({ from }) => from)].map((name) => ({
      name,
      streams: false,
    })),
  ];
}
