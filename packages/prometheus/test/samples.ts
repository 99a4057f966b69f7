import type { PrometheusMetrics } from '@stageflow/prometheus';

/** One line of what is scraped. */
export interface Sample {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
  /** What stands behind `#`, where there is an exemplar. */
  readonly exemplar: string | undefined;
}

/** What a scrape gives now. */
export async function samplesOf(metrics: PrometheusMetrics): Promise<readonly Sample[]> {
  const response = await metrics.fetch({ method: 'GET' });
  return parseSamples(await response.text());
}

export function parseSamples(text: string): readonly Sample[] {
  const lines = text.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
  return lines.map((line) => {
    const [, name = '', labels = '', value = '', exemplar] =
      /^(\w+)(?:\{((?:[^"}]|"(?:[^"\\]|\\.)*")*)\})? (\S+)(?: # (.*))?$/.exec(line) ?? [];
    if (name === '') throw new Error(`no sample: ${line}`);
    const pairs = Array.from(labels.matchAll(/(\w+)="((?:[^"\\]|\\.)*)"/g), ([, label = '', given = '']) => [label, given]);
    return { name, labels: Object.fromEntries(pairs), value: Number(value), exemplar };
  });
}

/** The values of one metric, by its labels as `a=1,b=2` in the order they are written. */
export async function valuesOf(metrics: PrometheusMetrics, name: string): Promise<Record<string, number>> {
  const samples = (await samplesOf(metrics)).filter((sample) => sample.name === name);
  const print = (labels: Sample['labels']): string =>
    Object.entries(labels)
      .map(([label, value]) => `${label}=${value}`)
      .join(',');
  return Object.fromEntries(samples.map(({ labels, value }) => [print(labels), value]));
}
