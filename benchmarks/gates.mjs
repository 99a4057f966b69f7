// What must hold on any machine, or the command fails.
import { baselineOf } from './baseline.mjs';
import { featureOf } from './features.mjs';
import { floor, Summary } from './summary.mjs';

/** By how much a ratio of times may exceed the baseline. */
const timeBand = 0.25;
/** By how much allocated bytes may exceed the baseline. */
const bytesBand = 0.05;
/** How much more a stage may cost in a graph of 10,000 than in one of 100, beyond what the hand-written counters show memory to cost. */
const scalingLimit = 2;
/** Bytes a stage that the runtime around a bare run may add: what it makes once a run, spread over 1,000 stages. */
const zeroCostBytes = 4;

/**
 * @typedef {object} Gate
 * @property {string} name
 * @property {boolean | undefined} holds Nothing where it could not be judged.
 * @property {string} detail
 */

/**
 * @param {Summary} summary
 * @param {import('./baseline.mjs').Baseline | undefined} baseline
 * @param {import('./options.mjs').Options} options
 * @returns {Gate[]}
 */
export function checkGates(summary, baseline, options) {
  const found = baselineOf(summary);
  const ofTimes = (/** @type {string} */ name, /** @type {'ratios' | 'features'} */ part) =>
    options.isQuick
      ? { name, holds: undefined, detail: 'two short rounds say nothing about time' }
      : compared(name, found[part], baseline?.[part], timeBand);
  return [
    correctness(summary, options.only),
    ofTimes('ratios of time', 'ratios'),
    ofTimes('ratios of features', 'features'),
    compared('allocated bytes', found.bytes, baseline?.bytes, bytesBand),
    ...scaling(summary),
    ...featureScaling(summary),
    depth(summary),
    zeroCost(summary),
  ];
}

function correctness(summary, only) {
  const wrong = summary.errors.filter(({ mode, contender }) => mode === 'verify' || /^(stageflow|hand|none)/.test(contender));
  const checked = [
    ...(only.has('verify') ? ['every contender ran each stage once and in order'] : []),
    ...(only.has('features') ? ['every feature yielded what it must'] : []),
  ];
  const detail =
    wrong.length === 0
      ? checked.join('; ')
      : wrong.map(({ contender, workload, error }) => `${contender} on ${workload}: ${error}`).join('; ');
  if (wrong.length === 0 && checked.length === 0) return { name: 'correctness', holds: undefined, detail: 'not checked' };
  return { name: 'correctness', holds: wrong.length === 0, detail };
}

/**
 * What to measure again before it counts as worse than the baseline.
 *
 * @param {Summary} summary
 * @param {import('./baseline.mjs').Baseline | undefined} baseline
 * @returns {{ mode: 'time' | 'memory' | 'feature', contender: string, workload: string }[]}
 */
export function doubtful(summary, baseline) {
  const { ratios, bytes, features } = baselineOf(summary);
  const slower = worse(ratios, baseline?.ratios ?? {}, timeBand).map((key) => ({ mode: /** @type {const} */ ('time'), key }));
  const larger = worse(bytes, baseline?.bytes ?? {}, bytesBand).map((key) => ({ mode: /** @type {const} */ ('memory'), key }));
  const dearer = worse(features, baseline?.features ?? {}, timeBand).map((key) => ({ mode: /** @type {const} */ ('feature'), key }));
  const found = [...slower, ...larger, ...dearer].map(({ mode, key }) => {
    const [contender = '', workload = ''] = key.split(' ');
    return { mode, contender, workload };
  });
  return [...new Map(found.map((each) => [Object.values(each).join(' '), each])).values()];
}

/**
 * @param {Record<string, number>} found
 * @param {Record<string, number>} baseline
 * @param {number} band
 */
function worse(found, baseline, band) {
  return Object.keys(found).filter((key) => found[key] > (baseline[key] ?? Number.POSITIVE_INFINITY) * (1 + band));
}

/**
 * @param {string} name
 * @param {Record<string, number>} found
 * @param {Record<string, number> | undefined} baseline
 * @param {number} band
 * @returns {Gate}
 */
function compared(name, found, baseline, band) {
  if (baseline === undefined) return { name, holds: undefined, detail: 'no baseline for this version of Node' };
  const keys = Object.keys(found).filter((key) => baseline[key] !== undefined);
  if (keys.length === 0) return { name, holds: undefined, detail: 'not measured' };
  const broken = worse(found, baseline, band);
  if (broken.length > 0)
    return { name, holds: false, detail: broken.map((key) => `${key}: ${found[key]}, was ${baseline[key]}`).join('; ') };
  const better = keys.filter((key) => found[key] < baseline[key] * (1 - band)).length;
  return {
    name,
    holds: true,
    detail: `${keys.length} figures within ${band * 100} % of the baseline or below${better > 0 ? `, ${better} well below: update it` : ''}`,
  };
}

function scaling(summary) {
  const pairs = [
    ['chain-100', 'chain-10k'],
    ['fan-100', 'fan-10k'],
    ['sparse-100', 'sparse-10k'],
  ];
  return pairs.map(([small, large]) => {
    const name = `scaling, ${small} to ${large}`;
    const growth = (contender) => {
      const [from, to] = [small, large].map((workload) => summary.best(contender, workload));
      return from === undefined || to === undefined ? undefined : to / from;
    };
    const own = growth('stageflow');
    const byHand = [floor, `${floor}:named`].map(growth).filter((factor) => factor !== undefined);
    if (own === undefined || byHand.length === 0) return { name, holds: undefined, detail: 'not measured' };
    const limit = scalingLimit * Math.max(1, ...byHand);
    const detail = `${own.toFixed(2)} times the time a stage, at most ${limit.toFixed(2)} (counters by hand: ${byHand.map((factor) => factor.toFixed(2)).join(', by name ')})`;
    return { name, holds: own <= limit, detail };
  });
}

/** Likewise for what a feature does once a unit: an item, a call. */
function featureScaling(summary) {
  const pairs = [
    ['map-async-100', 'map-async'],
    ['calls-parallel-100', 'calls-parallel'],
  ];
  return pairs.map(([small, large]) => {
    const name = `scaling, ${small} to ${large}`;
    const growth = (/** @type {string} */ variant) => {
      const [from, to] = [small, large].map((feature) => summary.best(variant, feature, 'usPerUnit', 'feature'));
      return from === undefined || to === undefined ? undefined : to / from;
    };
    const [own, byHand] = [growth('stageflow'), growth('hand')];
    if (own === undefined || byHand === undefined) return { name, holds: undefined, detail: 'not measured' };
    const limit = scalingLimit * Math.max(1, byHand);
    const unit = featureOf(large).unit;
    const detail = `${own.toFixed(2)} times the time for each ${unit}, at most ${limit.toFixed(2)} (by hand: ${byHand.toFixed(2)})`;
    return { name, holds: own <= limit, detail };
  });
}

function depth(summary) {
  const name = '100,000 stages';
  const shapes = ['chain-100k', 'fan-100k', 'sparse-100k'];
  const times = shapes.map((workload) => summary.time('stageflow', workload, 'runMs'));
  const problem = shapes.map((workload) => summary.problem('time', 'stageflow', workload)).find(Boolean);
  if (problem !== undefined) return { name, holds: false, detail: problem };
  if (Summary.worst(times) === undefined) return { name, holds: undefined, detail: 'not measured' };
  return {
    name,
    holds: true,
    detail: `chain, fan and sparse end without an overflow: ${times.map((ms) => `${ms.toFixed(0)} ms`).join(', ')}`,
  };
}

function zeroCost(summary) {
  const name = 'zero cost of what is not used';
  const [bare, unused] = ['stageflow', 'stageflow:unused'].map((contender) => summary.allocated(contender, 'sparse-1k'));
  if (bare === undefined || unused === undefined) return { name, holds: undefined, detail: 'not measured' };
  return { name, holds: unused - bare <= zeroCostBytes, detail: `${unused.toFixed(1)} bytes a stage, bare ${bare.toFixed(1)}` };
}
