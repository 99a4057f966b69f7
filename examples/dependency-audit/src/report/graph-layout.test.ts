import { inputs, pipeline, stage } from '@stageflow/core';
import { planJson } from '@stageflow/core/plan';
import { describe, expect, test } from 'vitest';
import { layoutGraph } from './graph-layout.ts';

const { text } = inputs<{ text: string }>();
const first = stage('first', { needs: { text }, run: () => 1 });
const left = stage('left', { needs: { first }, run: () => 1 });
const right = stage('right', { needs: { first }, run: () => 1 });
const last = stage('last', { needs: { left, right, text }, run: () => 1 });
const { nodes, arrows } = layoutGraph(planJson(pipeline('diamond', { outputs: { last } }).plan));

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
