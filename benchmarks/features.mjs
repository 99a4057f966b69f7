// What is measured of single features: something done with the feature, and the same without it. Data only, like `contenders.mjs`.

/**
 * @typedef {object} Feature
 * @property {string} title
 * @property {string} unit What a figure is of: `item`, `stage`, `call`, `chunk`.
 * @property {number} count How many of them one run has.
 * @property {string} module In `features/`; its default export makes what is run: see {@link FeatureModule}.
 * @property {'main' | 'small'} [group] `small`: only there to see whether the cost of a unit grows with their number. @default 'main'
 * @property {string} basis The variant that ratios are to.
 * @property {Readonly<Record<string, string>>} variants Labels, by id.
 *
 * @typedef {(core: any, count: number) => Readonly<Record<string, (() => Promise<FeatureSubject>) | undefined>>} FeatureModule By variant.
 *
 * @typedef {object} FeatureSubject
 * @property {() => Promise<unknown>} run
 * @property {unknown} [yields] What a run must resolve to.
 */

const byHand = { hand: 'hand-written: `Promise.all` over workers' };
const oneMap = { stageflow: 'stageflow, bare (`timings: false`)', 'stageflow:default': 'stageflow, defaults' };
const maps = { ...byHand, 'p-map': 'p-map', ...oneMap };

/** @type {Record<string, Feature>} */
export const features = {
  'map-sync': {
    title: '`map` of 10,000, two synchronous stages an item, 64 at once',
    unit: 'item',
    count: 10_000,
    module: 'map',
    basis: 'hand',
    variants: maps,
  },
  'map-async': {
    title: '`map` of 10,000, two asynchronous stages an item, 64 at once',
    unit: 'item',
    count: 10_000,
    module: 'map',
    basis: 'hand',
    variants: maps,
  },
  'map-async-100': {
    title: 'the same with 100 items',
    unit: 'item',
    count: 100,
    module: 'map',
    group: 'small',
    basis: 'hand',
    variants: { ...byHand, stageflow: oneMap.stageflow },
  },
  nested: {
    title: 'a `branch` in a `map` of 1,000 in a `subpipeline`',
    unit: 'item',
    count: 1000,
    module: 'nested',
    basis: 'hand',
    variants: { ...byHand, ...oneMap },
  },
  'calls-sequential': {
    title: '1,000 of `context.call` in one stage, one after the other',
    unit: 'call',
    count: 1000,
    module: 'calls',
    basis: 'hand',
    variants: { hand: 'plain async functions', ...oneMap },
  },
  'calls-parallel': {
    title: '1,000 of `context.call` in one stage, with keys, at once',
    unit: 'call',
    count: 1000,
    module: 'calls',
    basis: 'hand',
    variants: { hand: 'plain async functions', ...oneMap },
  },
  'calls-parallel-100': {
    title: 'the same with 100 calls',
    unit: 'call',
    count: 100,
    module: 'calls',
    group: 'small',
    basis: 'hand',
    variants: { hand: 'plain async functions', stageflow: oneMap.stageflow },
  },
  interceptors: {
    title: 'chain of 100, bare, stage interceptors that only call `next`',
    unit: 'stage',
    count: 100,
    module: 'interceptors',
    basis: 'none',
    variants: { none: 'no interceptor', 'stageflow:1': 'one', 'stageflow:3': 'three', 'stageflow:10': 'ten' },
  },
  limits: {
    title: 'chain of 100, bare, limits before each stage that are not reached',
    unit: 'stage',
    count: 100,
    module: 'limits',
    basis: 'none',
    variants: {
      none: 'no interceptor',
      next: 'an attempt interceptor that only calls `next`',
      'stageflow:breaker': '`circuitBreaker()`',
      'stageflow:bulkhead': '`bulkhead()`',
      'stageflow:rate': '`rateLimit()` on `memoryRateLimiter()`',
      'stageflow:all': 'all three',
    },
  },
  observed: {
    title: 'chain of 100, bare, told to logs, metrics and traces',
    unit: 'stage',
    count: 100,
    module: 'observed',
    basis: 'none',
    variants: {
      none: 'nobody is told',
      'stageflow:logging': '`logging()` with a logger that does nothing',
      'stageflow:wide': '`wideEvents()` with a writer that does nothing',
      'stageflow:prometheus': '`prometheusMetrics()`',
      'stageflow:pino': '`pinoSink()`, everything, to nowhere',
      'stageflow:otel-off': '`openTelemetry()`, an SDK, the run not sampled',
      'stageflow:otel': '`openTelemetry()`, an SDK that batches, two spans a stage',
    },
  },
  effects: {
    title: 'chain of 100 `work`, bare, each with a key that is new',
    unit: 'stage',
    count: 100,
    module: 'effects',
    basis: 'none',
    variants: { none: 'the key is handed to the target', stageflow: '`idempotency()` on `memoryIdempotencyStore()`' },
  },
  stream: {
    title: '100,000 chunks from a producer to a reader',
    unit: 'chunk',
    count: 100_000,
    module: 'stream',
    basis: 'hand',
    variants: { hand: 'an async generator, read by hand', stageflow: 'stageflow, a generator', 'stageflow:emit': 'stageflow, `emitChunk`' },
  },
  durable: {
    title: 'chain of 100, bare, kept by a run store in memory',
    unit: 'stage',
    count: 100,
    module: 'durable',
    basis: 'none',
    variants: { none: 'no store', stageflow: '`memoryRunStore()`' },
  },
};

/** @param {string} id */
export function featureOf(id) {
  const found = features[id];
  if (!found) throw new Error(`There is no feature "${id}". There are: ${Object.keys(features).join(', ')}.`);
  return found;
}

/**
 * @param {string} id
 * @param {string} variant
 * @param {any} core
 * @returns {Promise<FeatureSubject>}
 */
export async function loadFeature(id, variant, core) {
  const { module, count } = featureOf(id);
  const { default: make } = await import(`./features/${module}.mjs`);
  const subject = make(core, count, id)[variant];
  if (!subject) throw new Error(`There is no variant "${variant}" of "${id}".`);
  return subject();
}
