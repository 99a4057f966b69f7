import type { ReadableSpan } from '@opentelemetry/sdk-trace';

const shown = ['stageflow.status', 'stageflow.attempt', 'error.type', 'gen_ai.usage.input_tokens', 'gen_ai.usage.output_tokens'];

/** Spans as lines, each below its parent, in the order of their starts. */
export function spanTree(spans: readonly ReadableSpan[]): string[] {
  const ordered = spans.toSorted((one, other) => startOf(one) - startOf(other));
  const known = new Map(spans.map((span) => [span.spanContext().spanId, span.name]));
  const below = (id: string | undefined, depth: number): string[] =>
    ordered
      .filter(({ parentSpanContext: parent }) => (parent && known.has(parent.spanId) ? parent.spanId : undefined) === id)
      .flatMap((span) => [...linesOf(span, '  '.repeat(depth), known), ...below(span.spanContext().spanId, depth + 1)]);
  return below(undefined, 0);
}

function linesOf(span: ReadableSpan, indent: string, known: ReadonlyMap<string, string>): string[] {
  const facts = shown.flatMap((name) =>
    span.attributes[name] === undefined ? [] : [`${name.replace(/^.*\./, '')}=${span.attributes[name]}`],
  );
  return [
    `${indent}${span.name} (${facts.join(', ')})`,
    ...span.links.map(({ context }) => `${indent}  ~ after ${known.get(context.spanId)}`),
    ...span.events.map(({ name }) => `${indent}  ! ${name}`),
  ];
}

function startOf({ startTime: [seconds, nanoseconds] }: ReadableSpan): number {
  return seconds * 1e9 + nanoseconds;
}
