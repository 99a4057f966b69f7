import { inputs, pipeline, services, stage } from '@stageflow/core';
import { recordingSink } from '@stageflow/testing';
import { describe, expect, test, vi } from 'vitest';
import { type ContextSizeOptions, contextExceeded, contextSize } from './context-size.ts';

const { text } = inputs<{ text: string }>();

/** One run of a stage that yields what `make` makes of its text. */
async function run(given: string, options: ContextSizeOptions, make: (text: string) => unknown = (text) => text.length) {
  const called = vi.fn(({ text }: { text: string }) => make(text));
  const sink = recordingSink();
  const chat = pipeline('chat', { outputs: { answer: stage('answer', { needs: { text }, run: called }) } });
  const ended = await chat.run({ text: given }, { interceptors: [contextSize(options)], sinks: [sink] });
  return { ended, called, told: sink.events.filter(contextExceeded.is).map(({ payload }) => payload) };
}

describe('what a stage is given', () => {
  test('is told where it is too large, and the stage runs all the same', async () => {
    const { ended, told, called } = await run('x'.repeat(200), { maxBytes: 100 });
    expect(told).toEqual([{ direction: 'given', maxBytes: 100 }]);
    expect(ended.status).toBe('completed');
    expect(called).toHaveBeenCalledOnce();
    expect((await run('x'.repeat(50), { maxBytes: 100 })).told).toEqual([]);
  });

  test('keeps the stage from running where that is asked', async () => {
    const { ended, called } = await run('x'.repeat(200), { maxBytes: 100, onExceeded: 'fail' });
    const details = { stage: 'answer', direction: 'given', maxBytes: 100 };
    expect(ended).toMatchObject({ status: 'failed', error: { code: 'SF_CONTEXT_TOO_LARGE', details, path: 'answer' } });
    expect(called).not.toHaveBeenCalled();
  });

  test('does not count services', async () => {
    const { client } = services<{ client: { readonly buffer: string } }>();
    const ask = stage('ask', { needs: { text, client }, run: ({ text }) => text });
    const options = { interceptors: [contextSize({ maxBytes: 100, onExceeded: 'fail' as const })] };
    const made = pipeline('p', { outputs: { ask } }).run(
      { text: 'hi' },
      { ...options, services: { client: { buffer: 'x'.repeat(1_000) } } },
    );
    expect((await made).status).toBe('completed');
  });
});

describe('what a stage yields', () => {
  test('is told, or fails the stage, where it is above a limit of its own', async () => {
    const grow = (text: string) => text.repeat(100);
    expect((await run('abc', { maxYieldedBytes: 50 }, grow)).told).toEqual([{ direction: 'yielded', maxBytes: 50 }]);
    const { ended } = await run('abc', { maxYieldedBytes: 50, onExceeded: 'fail' }, grow);
    expect(ended).toMatchObject({ error: { code: 'SF_CONTEXT_TOO_LARGE', details: { direction: 'yielded' } } });
  });

  test('is looked at only where the stage yields', async () => {
    const { ended, told } = await run('abc', { maxBytes: 50 }, () => Promise.reject(new Error('no')));
    expect([ended.status, told]).toEqual(['failed', []]);
  });
});

test('a megabyte is the limit where none is given', async () => {
  expect((await run('x'.repeat(1_048_000), {})).told).toEqual([]);
  expect((await run('x'.repeat(1_048_600), {})).told.length).toBe(1);
});

test('a limit that is none is refused', () => {
  expect(() => contextSize({ maxBytes: 0 })).toThrow(expect.objectContaining({ code: 'SF_OPTION_INVALID' }));
  expect(() => contextSize({ maxYieldedBytes: Number.NaN })).toThrow(expect.objectContaining({ code: 'SF_OPTION_INVALID' }));
});
