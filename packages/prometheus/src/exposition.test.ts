import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { inputs, pipeline, stage } from '@stageflow/core';
import { Gauge, Registry } from 'prom-client';
import { afterEach, describe, expect, test } from 'vitest';
import { parseSamples } from '../test/samples.ts';
import { type PrometheusMetrics, prometheusMetrics } from './prometheus-metrics.ts';

const { text } = inputs<{ text: string }>();
const chat = pipeline('chat', { outputs: { answer: stage('answer', { needs: { text }, run: ({ text }) => text }) } });

let server: Server | undefined;

afterEach(() => {
  server?.close();
  server = undefined;
});

async function serve(metrics: PrometheusMetrics): Promise<string> {
  server = createServer(metrics.handler);
  await once(server.listen(0, '127.0.0.1'), 'listening');
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/metrics`;
}

function broken(): PrometheusMetrics {
  const registry = new Registry();
  const collect = (): void => {
    throw new Error('password=hunter2');
  };
  new Gauge({ name: 'broken', help: 'Broken.', registers: [registry], collect });
  return prometheusMetrics({ registry });
}

describe('handler', () => {
  test.each([
    ['OpenMetrics', prometheusMetrics(), 'application/openmetrics-text; version=1.0.0; charset=utf-8', true],
    ['the text format', prometheusMetrics({ registry: new Registry() }), 'text/plain; version=0.0.4; charset=utf-8', false],
  ])('answers a scrape in %s', async (_format, metrics, contentType, ends) => {
    await chat.run({ text: 'hi' }, { sinks: [metrics] });
    const response = await fetch(await serve(metrics));
    const body = await response.text();
    expect([response.status, response.headers.get('content-type')]).toEqual([200, contentType]);
    expect(parseSamples(body)).toContainEqual(expect.objectContaining({ name: 'stageflow_runs_total', value: 1 }));
    expect(body.endsWith('# EOF\n')).toBe(ends);
  });

  test('answers any number of scrapes at once with the same', async () => {
    const metrics = prometheusMetrics();
    await chat.run({ text: 'hi' }, { sinks: [metrics] });
    const url = await serve(metrics);
    const bodies = await Promise.all(Array.from({ length: 20 }, async () => (await fetch(url)).text()));
    expect(new Set(bodies).size).toBe(1);
  });

  test('answers HEAD without a body, and refuses what is neither', async () => {
    const url = await serve(prometheusMetrics());
    const head = await fetch(url, { method: 'HEAD' });
    expect([head.status, await head.text()]).toEqual([200, '']);
    const post = await fetch(url, { method: 'POST', body: 'x' });
    expect([post.status, post.headers.get('allow')]).toEqual([405, 'GET, HEAD']);
  });

  test('says nothing of why a metric cannot be collected', async () => {
    const response = await fetch(await serve(broken()));
    expect([response.status, await response.text()]).toEqual([500, 'The metrics could not be collected.\n']);
  });

  test('leaves a response alone that was answered before', async () => {
    const metrics = prometheusMetrics();
    server = createServer((request, response) => {
      metrics.handler(request, response);
      response.end('mine');
    });
    await once(server.listen(0, '127.0.0.1'), 'listening');
    const response = await fetch(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
    expect(await response.text()).toBe('mine');
    await new Promise(setImmediate);
  });

  test('serves a framework that says no method', async () => {
    const headers = new Map<string, string>();
    const ended = new Promise<string | undefined>((resolve) => {
      const response = { statusCode: 0, setHeader: (name: string, value: string) => headers.set(name, value), end: resolve };
      prometheusMetrics().handler({}, response);
    });
    expect(await ended).toContain('# EOF');
    expect(headers.get('cache-control')).toBe('no-store');
  });
});

describe('fetch', () => {
  test('answers requests of the Fetch standard', async () => {
    const metrics = prometheusMetrics();
    await chat.run({ text: 'hi' }, { sinks: [metrics] });
    const response = await metrics.fetch(new Request('http://host/metrics'));
    expect(response.headers.get('content-type')).toContain('openmetrics');
    expect(await response.text()).toContain('stageflow_runs_total{pipeline="chat",status="completed"} 1');
    expect((await metrics.fetch(new Request('http://host/metrics', { method: 'DELETE' }))).status).toBe(405);
    expect((await broken().fetch({ method: 'GET' })).status).toBe(500);
  });
});
