import { type RunEvent, topicOf } from '@stageflow/core';
import { demand } from './option-rules.ts';

/**
 * Whether an event is wanted, by its topic (`topicOf`). `*` in a pattern stands for anything, dots included; a pattern that
 * begins with `!` excludes, and wins. Without a pattern that includes, everything is included.
 *
 * @throws SF_OPTION_INVALID
 */
export function topicFilter(topics: readonly string[] | undefined): (event: RunEvent) => boolean {
  if (topics === undefined) return () => true;
  for (const topic of topics) demand(typeof topic === 'string' && !/^!?$/.test(topic), 'topics', 'a list of topics with text', topic);
  const excluded = topics.filter((topic) => topic.startsWith('!')).map((topic) => topic.slice(1).split('*'));
  const included = topics.filter((topic) => !topic.startsWith('!')).map((topic) => topic.split('*'));
  return (event) => {
    const topic = topicOf(event);
    if (excluded.some((parts) => matches(topic, parts))) return false;
    return included.length === 0 || included.some((parts) => matches(topic, parts));
  };
}

/** Whether `text` consists of the parts, in order, with anything between them. In linear time, whatever the pattern. */
function matches(text: string, parts: readonly string[]): boolean {
  const [start = '', ...rest] = parts;
  const end = rest.pop();
  if (end === undefined) return text === start;
  if (!text.startsWith(start) || !text.endsWith(end) || text.length < start.length + end.length) return false;
  let from = start.length;
  for (const part of rest) {
    const found = text.indexOf(part, from);
    if (found < 0) return false;
    from = found + part.length;
  }
  return from <= text.length - end.length;
}
