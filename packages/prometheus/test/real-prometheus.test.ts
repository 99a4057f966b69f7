import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { findPrometheus } from '../../../scripts/system-packages.mjs';
import { checkMetrics, type PrometheusServer, serveMetrics, startPrometheus } from './prometheus-server.ts';
import { parseSamples } from './samples.ts';

interface Target {
  readonly expr: string;
}
interface Dashboard {
  readonly panels: readonly { readonly title: string; readonly targets?: readonly Target[] }[];
  readonly templating: { readonly list: readonly { readonly name: string; readonly definition?: string }[] };
}

const dashboard: Dashboard = JSON.parse(readFileSync(join(import.meta.dirname, '../dashboards/stageflow.json'), 'utf8'));
const queries = dashboard.panels.flatMap(({ title, targets = [] }) => targets.map(({ expr }) => ({ title, expr })));

let program: Awaited<ReturnType<typeof serveMetrics>>;
let prometheus: PrometheusServer;

beforeAll(async () => {
  program = await serveMetrics();
  prometheus = await startPrometheus(program.port);
}, 30_000);

afterAll(async () => {
  await prometheus?.stop();
  await program?.stop();
});

/** What Grafana puts in the place of its variables. */
function filledIn(query: string): string {
  return query.replaceAll('$__rate_interval', '10s').replaceAll(/\$(?:pipeline|stage)\b/g, '.*');
}

interface Series {
  readonly metric: Readonly<Record<string, string>>;
  readonly value: readonly [number, string];
}

/** Asks until there is an answer: Prometheus needs two scrapes for a rate. */
async function answerOf<T>(ask: () => Promise<readonly T[]>): Promise<readonly T[]> {
  const deadline = Date.now() + 20_000;
  for (;;) {
    const found = await ask();
    if (found.length > 0 || Date.now() > deadline) return found;
    await delay(250);
  }
}

async function resultOf(query: string): Promise<readonly Series[]> {
  return answerOf(async () => ((await prometheus.ask('query', { query })) as { readonly result: readonly Series[] }).result);
}

describe('a real Prometheus', { timeout: 40_000 }, () => {
  test('scrapes the process without an error', async () => {
    const [up] = await resultOf('up{job="stageflow"} == 1');
    expect(up?.value[1]).toBe('1');
    const { activeTargets } = (await prometheus.ask('targets', {})) as {
      readonly activeTargets: readonly { readonly lastError: string }[];
    };
    expect(activeTargets.map(({ lastError }) => lastError)).toEqual(['']);
  });

  test.each(queries)('has an answer to the query of "$title": $expr', async ({ expr }) => {
    const series = await resultOf(filledIn(expr));
    expect(series.length).toBeGreaterThan(0);
    expect(series.map(({ value }) => Number(value[1])).some(Number.isFinite)).toBe(true);
  });

  test('has nothing to answer where a metric does not exist', async () => {
    const { result } = (await prometheus.ask('query', { query: 'stageflow_runs' })) as { readonly result: readonly Series[] };
    expect(result).toEqual([]);
    await expect(prometheus.ask('query', { query: 'sum by (' })).rejects.toThrow('parse error');
  });

  test.each(dashboard.templating.list.filter(({ definition }) => definition !== undefined))(
    'has values for the variable "$name" of the dashboard',
    async ({ definition = '' }) => {
      const [, metric = '', label = ''] = /^label_values\((.*), (\w+)\)$/.exec(definition) ?? [];
      const values = await answerOf(
        async () => (await prometheus.ask(`label/${label}/values`, { 'match[]': filledIn(metric) })) as string[],
      );
      expect(values).toContain(label === 'pipeline' ? 'chat' : 'answer');
    },
  );

  test('keeps exemplars that name the trace of a run', async () => {
    const range = { start: '0', end: String(Date.now() / 1000 + 60) };
    const query = 'stageflow_stage_duration_seconds_bucket{stage="answer"}';
    const found = await answerOf(
      async () => (await prometheus.ask('query_exemplars', { query, ...range })) as { exemplars: { labels: { trace_id: string } }[] }[],
    );
    expect(found[0]?.exemplars[0]?.labels.trace_id).toMatch(/^[0-9a-f]{32}$/);
  });

  test('agrees with the process about what was counted', async () => {
    const [series] = await resultOf('stageflow_runs_total{pipeline="shut", status="blocked"}');
    const text = await (await fetch(`http://127.0.0.1:${program.port}/text`)).text();
    const own = parseSamples(text).find(({ name, labels }) => name === 'stageflow_runs_total' && labels['pipeline'] === 'shut');
    expect(Number(series?.value[1])).toBeGreaterThan(0);
    expect(own?.labels).toMatchObject({ status: 'blocked' });
  });
});

describe('promtool check metrics', () => {
  test('has nothing to say about what the text format shows', async () => {
    const text = await (await fetch(`http://127.0.0.1:${program.port}/text`)).text();
    expect(parseSamples(text).length).toBeGreaterThan(50);
    expect(await checkMetrics(text)).toEqual({ code: 0, output: '' });
  });

  test('says what is wrong where something is', async () => {
    const { code, output } = await checkMetrics('# TYPE bad counter\nbad 1\n');
    expect(code).not.toBe(0);
    expect(output).toContain('bad');
  });
});

test('every metric of the package is on the dashboard', async () => {
  const text = await (await fetch(`http://127.0.0.1:${program.port}/text`)).text();
  const names = Array.from(text.matchAll(/^# TYPE (\w+) /gm), ([, name = '']) => name);
  expect(names.length).toBeGreaterThan(10);
  const all = queries.map(({ expr }) => expr).join('\n');
  expect(names.filter((name) => !all.includes(name))).toEqual([]);
});

test('a machine without Prometheus is told how to get it', () => {
  const { PATH, STAGEFLOW_PROMETHEUS } = process.env;
  try {
    process.env['PATH'] = '/nowhere';
    delete process.env['STAGEFLOW_PROMETHEUS'];
    expect(() => findPrometheus()).toThrow(/set STAGEFLOW_PROMETHEUS .* apt-get install .* prometheus/);
  } finally {
    process.env['PATH'] = PATH;
    if (STAGEFLOW_PROMETHEUS !== undefined) process.env['STAGEFLOW_PROMETHEUS'] = STAGEFLOW_PROMETHEUS;
  }
});
