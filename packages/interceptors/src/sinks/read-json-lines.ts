import { createReadStream } from 'node:fs';

/** What {@link readJsonLines} takes besides the file. */
export interface ReadJsonLinesOptions {
  /** Told of a line that is no JSON, such as one that a process was killed in. @default they are passed over */
  readonly onTorn?: ((line: { readonly number: number; readonly text: string }) => void) | undefined;
}

/**
 * The values in a file of JSON lines, as `jsonLinesSink` and the dead letters of `analyticsSink` write them, one by one and
 * without reading the whole file at once. Renamed files are files of their own: read `path.1` before `path`.
 *
 * @throws What `node:fs` throws, when it is iterated.
 * @example
 * ```ts
 * for await (const event of readJsonLines('log/runs.jsonl')) console.log(event);
 * ```
 */
export async function* readJsonLines(path: string, { onTorn }: ReadJsonLinesOptions = {}): AsyncGenerator<unknown, void, undefined> {
  let number = 0;
  for await (const text of linesOf(path)) {
    number++;
    if (text === '') continue;
    const line = parsed(text);
    if (line === undefined) onTorn?.({ number, text });
    else yield line.value;
  }
}

/** Only a line feed ends a line: what `node:readline` takes for one besides can stand within JSON. */
async function* linesOf(path: string): AsyncGenerator<string, void, undefined> {
  let rest = '';
  for await (const chunk of createReadStream(path, 'utf8')) {
    const lines = (rest + String(chunk)).split('\n');
    rest = lines.pop() ?? '';
    yield* lines;
  }
  yield rest;
}

function parsed(text: string): { readonly value: unknown } | undefined {
  try {
    return { value: JSON.parse(text) };
  } catch {
    return undefined;
  }
}
