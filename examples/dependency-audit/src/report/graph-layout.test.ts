import { inputs, map, pipeline, stage } from '@stageflow/core';
import { planJson } from '@stageflow/core/plan';
import { describe, expect, test } from 'vitest';
import { bodyOf, layoutGraph, wholePlan } from './graph-layout.ts';

const { text } = inputs<{ text: string }>();
const first = stage('first', { needs: { text }, run: () => 1 });
const left = stage('left', { needs: { first }, run: () => 1 });
const right = stage('right', { needs: { first }, run: () => 1 });
const last = stage('last', { needs: { left, right, text }, run: () => 1 });
const { nodes, arrows } = layoutGraph(wholePlan(planJson(pipeline('diamond', { outputs: { last } }).plan)));

describe('layoutGraph()', () => {
  test('puts each stage in the row after the last thing it reads', () => {
    expect(Object.fromEntries(nodes.map(({ name, row }) => [name, row]))).toEqual({ text: 0, first: 1, left: 2, right: 2, last: 3 });
  });

  test('keeps nodes of one row apart', () => {
    const columns = nodes.filter(({ row }) => row === 2).map(({ column }) => column);
    expect(Math.abs((columns[0] ?? 0) - (columns[1] ?? 0))).toBeGreaterThanOrEqual(1);
  });

  test('gives an arrow that spans rows a place in each', () => {
    expect(arrows.map(({ points }) => points.map(({ row }) => row))).toContainEqual([0, 1, 2, 3]);
    expect(arrows.length).toBe(6);
  });
});

test('bodyOf() is what a map repeats, and what that reads from outside', () => {
  const { list } = inputs<{ list: readonly string[] }>();
  const each = map('each', list, (item) => stage('both', { needs: { item, text, first }, run: () => 1 }));
  const body = bodyOf(planJson(pipeline('mapped', { outputs: { each } }).plan), 'each');
  expect(body.inputs).toEqual(['each.item', 'text', 'first']);
  expect(layoutGraph(body).nodes.map(({ name, row }) => [name, row])).toEqual([
    ['each.item', 0],
    ['text', 0],
    ['first', 0],
    ['both', 1],
  ]);
});
