// Runs pipelines that end in every way, and serves their metrics: /metrics in OpenMetrics, /text in the text format. Prints its port.
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { block, createRuntime, defineEvent, guard, inputs, pipeline, settled, skip, stage } from '@stageflow/core';
import { prometheusMetrics } from '@stageflow/prometheus';
import { Registry } from 'prom-client';
import { z } from 'zod';

const opened = defineEvent('breaker.opened', z.object({ breaker: z.string(), key: z.string() }));
const { text } = inputs<{ text: string }>();

const profile = stage('profile', { kind: 'enrich', needs: { text }, run: ({ text }) => (text === 'stranger' ? skip('unknown') : text) });
const answer = stage('answer', { kind: 'agent', needs: { text }, run: async ({ text }) => delay(5, `you said ${text}`) });
const flaky = stage('flaky', {
  retry: { attempts: 2, baseMs: 1, jitter: 'none' },
  run: () => {
    throw new Error('no answer');
  },
});
const deaf = stage('deaf', { timeoutMs: 5, run: () => delay(40) });
const unsure = guard('unsure', {
  subject: answer,
  failOpen: true,
  check: () => {
    throw new Error('no judge');
  },
});
const closed = guard('closed', { subject: answer, check: () => block('closed') });
const telling = stage('telling', { run: (_, { emit }) => emit(opened, { breaker: 'model', key: 'acme' }) });

const chat = pipeline('chat', { outputs: { unsure, profile: settled(profile) }, also: { telling } });
const broken = pipeline('broken', { outputs: { flaky } });
const patient = pipeline('patient', { outputs: { deaf: settled(deaf), keep: stage('keep', { run: () => delay(80) }) } });
const shut = pipeline('shut', { outputs: { closed } });

const metrics = prometheusMetrics();
const plain = prometheusMetrics({ registry: new Registry(), name: 'plain' });
const lossy = prometheusMetrics({ registry: metrics.registry, name: 'lossy' });
const slow = { name: 'lossy', emit: async (event: Parameters<typeof lossy.emit>[0]) => delay(20).then(() => lossy.emit(event)) };
const runtime = createRuntime({
  pipelines: [chat, broken, patient, shut],
  sinks: [metrics, plain, { sink: slow, capacity: 1 }],
  graceMs: 10,
});
metrics.watch(runtime);
plain.watch(runtime);

const server = createServer((request, response) => (request.url === '/text' ? plain : metrics).handler(request, response));
server.listen(0, '127.0.0.1', () => console.log(String((server.address() as AddressInfo).port)));

// Until the test lets go of it.
process.stdin.resume().once('end', () => process.exit());
for (let at = 0; ; at++) {
  const traceId = at.toString(16).padStart(32, '0');
  const options = { traceId, maxConcurrency: 2, failureMode: 'continue' } as const;
  await runtime.run(chat, { text: at % 2 === 0 ? 'Ada' : 'stranger' }, options);
  await runtime.run(shut, { text: 'hi' }, options);
  await Promise.all([runtime.run(broken, {}, options), runtime.run(patient, {}, options)]);
}
