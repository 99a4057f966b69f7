import type { HrTime, SpanContext, SpanStatus } from '@opentelemetry/api';

type Attributes = Readonly<Record<string, unknown>>;

/** A span that has ended, as any line of the SDK gives it. */
export interface EndedSpan {
  readonly name: string;
  readonly kind: number;
  readonly parentSpanContext?: SpanContext | undefined;
  readonly startTime: HrTime;
  readonly endTime: HrTime;
  readonly status: SpanStatus;
  readonly attributes: Attributes;
  readonly links: readonly { readonly context: SpanContext }[];
  readonly events: readonly { readonly name: string; readonly time: HrTime; readonly attributes?: Attributes | undefined }[];
  spanContext(): SpanContext;
}

const kinds = ['internal', 'server', 'client', 'producer', 'consumer'];
const statuses = ['unset', 'ok', 'error'];

/** Spans as lines, each below its parent, in the order of their starts, then of their ends; times are milliseconds after the first. */
export function treeOf(spans: readonly EndedSpan[]): string[] {
  const first = Math.min(...spans.map(({ startTime }) => msOf(startTime)));
  const names = new Map(spans.map((span) => [span.spanContext().spanId, span.name]));
  const lines: string[] = [];
  const show = (span: EndedSpan, depth: number): void => {
    lines.push(...linesOf(span, first, names).map((line, at) => '  '.repeat(depth + (at > 0 ? 1 : 0)) + line));
    for (const child of childrenOf(span.spanContext().spanId)) show(child, depth + 1);
  };
  const byStart = spans.toSorted((one, other) => msOf(one.startTime) - msOf(other.startTime));
  const childrenOf = (id: string | undefined) =>
    byStart.filter(({ parentSpanContext: parent }) => (parent && names.has(parent.spanId) ? parent.spanId : undefined) === id);
  for (const root of childrenOf(undefined)) show(root, 0);
  return lines;
}

function linesOf(span: EndedSpan, first: number, names: ReadonlyMap<string, string>): string[] {
  const at = (time: HrTime): number => msOf(time) - first;
  const { status } = span;
  const mark = status.code === 0 ? '' : ` ${statuses[status.code]}(${status.message})`;
  return [
    `${span.name} [${at(span.startTime)}-${at(span.endTime)}]${span.kind === 0 ? '' : ` ${kinds[span.kind]}`}${mark} ${written(span.attributes)}`,
    ...span.links.map(({ context }) => `~ ${names.get(context.spanId)}`),
    ...span.events.map(({ name, time, attributes }) => `! ${name} [${at(time)}] ${written(attributes ?? {})}`),
  ];
}

/** Attributes that say nothing new beside the name of the span are left out. */
function written(attributes: Attributes): string {
  const shown = Object.entries(attributes).filter(
    ([name]) => !/^stageflow\.(pipeline|stage|kind|run_id)$|^gen_ai\.(workflow|agent|tool)\.name$/.test(name),
  );
  return shown
    .map(([name, value]) => `${name.replace(/^stageflow\./, '')}=${Array.isArray(value) ? value.join('+') : value}`)
    .toSorted()
    .join(' ');
}

function msOf([seconds, nanoseconds]: HrTime): number {
  return seconds * 1000 + nanoseconds / 1_000_000;
}
