import { type Input, inputs, pipeline, type Service, services, stage } from '@stageflow/core';
import * as v from 'valibot';
import { describe, expectTypeOf, test } from 'vitest';
import { z } from 'zod';

type Any = ReturnType<typeof JSON.parse>;

describe('inputs<T>()', () => {
  test('has a member for every name, given and read as T says', () => {
    const { text, userId } = inputs<{ text: string; userId?: string }>();
    expectTypeOf(text).toEqualTypeOf<Input<'text', string, string>>();
    expectTypeOf(userId).toEqualTypeOf<Input<'userId', string | undefined, string | undefined>>();
  });

  test('has no member for any other name', () => {
    // @ts-expect-error there is no such input
    const { txet } = inputs<{ text: string }>();
    expectTypeOf(inputs<{ text: string }>()).not.toHaveProperty('other');
    return txet;
  });

  test('keeps any, unknown and unions as they are', () => {
    const declared = inputs<{ loose: Any; unsure: unknown; mode: 'fast' | 'slow' }>();
    expectTypeOf(declared.loose).toEqualTypeOf<Input<'loose', Any, Any>>();
    expectTypeOf(declared.unsure).toEqualTypeOf<Input<'unsure', unknown, unknown>>();
    expectTypeOf(declared.mode).toEqualTypeOf<Input<'mode', 'fast' | 'slow', 'fast' | 'slow'>>();
  });
});

describe('inputs(schemas)', () => {
  test('knows what zod is given and what it makes of that', () => {
    const { since, limit } = inputs({ since: z.string().transform((text) => new Date(text)), limit: z.number().default(10) });
    expectTypeOf(since).toEqualTypeOf<Input<'since', string, Date>>();
    expectTypeOf(limit).toEqualTypeOf<Input<'limit', number | undefined, number>>();
  });

  test('knows what valibot is given and what it makes of that', () => {
    const { since, limit } = inputs({
      since: v.pipe(
        v.string(),
        v.transform((text) => new Date(text)),
      ),
      limit: v.optional(v.number(), 10),
    });
    expectTypeOf(since).toEqualTypeOf<Input<'since', string, Date>>();
    expectTypeOf(limit).toEqualTypeOf<Input<'limit', number | undefined, number>>();
  });

  test('asks for what is given and hands stages what is read', () => {
    const { since } = inputs({ since: z.string().transform((text) => new Date(text)) });
    const year = stage('year', { needs: { since }, run: ({ since }) => since.getFullYear() });
    const calendar = pipeline('calendar', { outputs: { year } });
    expectTypeOf(calendar.run).parameter(0).toEqualTypeOf<{ readonly since: string }>();
    // @ts-expect-error the schema takes text, not what it makes of it
    void calendar.run({ since: new Date() });
  });

  test('lets what a schema fills in be left out', () => {
    const { limit } = inputs({ limit: z.number().default(10) });
    const page = pipeline('page', { outputs: { rows: stage('rows', { needs: { limit }, run: ({ limit }) => limit }) } });
    expectTypeOf(page.run).parameter(0).toEqualTypeOf<{ readonly limit?: number | undefined }>();
  });

  test('lets nothing be left out for being unknown or any', () => {
    const { policy } = inputs({ policy: z.unknown().pipe(z.object({ allow: z.array(z.string()) })) });
    const { loose } = inputs<{ loose: Any }>();
    const audit = pipeline('audit', {
      outputs: { allowed: stage('allowed', { needs: { policy, loose }, run: ({ policy }) => policy.allow }) },
    });
    expectTypeOf(audit.run).parameter(0).toEqualTypeOf<{ readonly policy: unknown; readonly loose: Any }>();
    // @ts-expect-error both are missing
    void audit.run({});
  });

  test('refuses what is no Standard Schema', () => {
    inputs({
      // @ts-expect-error a class is no schema
      text: String,
    });
  });
});

describe('services<T>()', () => {
  interface Model {
    ask(text: string): Promise<string>;
  }

  test('has a member for every name', () => {
    const { model } = services<{ model: Model }>();
    expectTypeOf(model).toEqualTypeOf<Service<'model', Model>>();
  });

  test('hands stages the thing itself', () => {
    const { model } = services<{ model: Model }>();
    stage('ask', {
      needs: { model },
      run: ({ model }) => {
        expectTypeOf(model).toEqualTypeOf<Model>();
      },
    });
  });
});

describe('inputs and services from several modules', () => {
  const left = { ...inputs<{ text: string }>(), ...services<{ clock: { now(): number } }>() };
  left.text satisfies Input<'text', string, string>;
  const leftStage = stage('left', { needs: { text: inputs<{ text: string }>().text }, run: ({ text }) => text });
  const rightStage = stage('right', { needs: { count: inputs<{ count: number }>().count }, run: ({ count }) => count });

  test('combine where a pipeline reads them all', () => {
    const both = pipeline('both', { outputs: { leftStage, rightStage } });
    expectTypeOf(both.run).parameter(0).toEqualTypeOf<{ readonly text: string; readonly count: number }>();
  });

  test('are one member where names and types agree', () => {
    const again = stage('again', { needs: { text: inputs<{ text: string }>().text }, run: ({ text }) => text });
    const both = pipeline('both', { outputs: { leftStage, again } });
    expectTypeOf(both.run).parameter(0).toEqualTypeOf<{ readonly text: string }>();
  });

  test('must satisfy every reader where one name has several types', () => {
    const narrow = stage('narrow', { needs: { text: inputs<{ text: 'a' | 'b' }>().text }, run: ({ text }) => text });
    const both = pipeline('both', { outputs: { leftStage, narrow } });
    expectTypeOf(both.run).parameter(0).toEqualTypeOf<{ readonly text: 'a' | 'b' }>();
    // @ts-expect-error one of the readers takes 'a' or 'b' only
    void both.run({ text: 'c' });
  });

  test('are required as soon as one reader requires them', () => {
    const loose = stage('loose', { needs: { text: inputs<{ text?: string }>().text }, run: ({ text }) => text });
    expectTypeOf(pipeline('loose', { outputs: { loose } }).run)
      .parameter(0)
      .toEqualTypeOf<{ readonly text?: string | undefined }>();
    expectTypeOf(pipeline('both', { outputs: { leftStage, loose } }).run)
      .parameter(0)
      .toEqualTypeOf<{ readonly text: string }>();
  });

  test('can be given by nobody where their types exclude each other', () => {
    const fast = stage('fast', { needs: { mode: inputs<{ mode: 'fast' }>().mode }, run: ({ mode }) => mode });
    const slow = stage('slow', { needs: { mode: inputs<{ mode: 'slow' }>().mode }, run: ({ mode }) => mode });
    void pipeline('fast', { outputs: { fast } }).run({ mode: 'fast' });
    // @ts-expect-error nothing is both 'fast' and 'slow'
    void pipeline('both', { outputs: { fast, slow } }).run({ mode: 'fast' });
  });

  test('demand of a service what all its readers use', () => {
    const read = stage('read', {
      needs: { store: services<{ store: { get(key: string): string } }>().store },
      run: ({ store }) => store.get('a'),
    });
    const write = stage('write', {
      needs: { store: services<{ store: { put(key: string): void } }>().store },
      run: ({ store }) => store.put('a'),
    });
    const both = pipeline('both', { outputs: { read, write } });
    void both.run({}, { services: { store: { get: (key) => key, put: () => {} } } });
    // @ts-expect-error one of the readers puts
    void both.run({}, { services: { store: { get: (key) => key } } });
  });
});
