import { StageflowError } from '@stageflow/core';
import { Counter, Gauge, Histogram, type Metric, type OpenMetricsContentType, type PrometheusContentType, Registry } from 'prom-client';

/** A registry of prom-client, of either format. */
export type AnyRegistry = Registry<PrometheusContentType> | Registry<OpenMetricsContentType>;

/** Makes the metrics of one registry under one prefix. */
export class MetricFactory {
  /** Only the OpenMetrics format has them. */
  readonly hasExemplars: boolean;
  readonly #registry: AnyRegistry;
  readonly #prefix: string;
  readonly #made = new Map<string, Metric>();

  constructor(registry: AnyRegistry, prefix: string) {
    this.#registry = registry;
    this.#prefix = prefix;
    this.hasExemplars = registry.contentType === Registry.OPENMETRICS_CONTENT_TYPE;
  }

  /** Whether the registry still shows what was made: it may have been cleared. */
  get isCurrent(): boolean {
    return Array.from(this.#made).every(([name, metric]) => this.#registry.getSingleMetric(name) === metric);
  }

  counter<L extends string>(name: string, help: string, labelNames: readonly L[], collect?: (counter: Counter<L>) => void): Counter<L> {
    return this.#keep(name, (config) => new Counter<L>({ ...config, help, labelNames, ...collecting(collect) }));
  }

  gauge<L extends string>(name: string, help: string, labelNames: readonly L[], collect?: (gauge: Gauge<L>) => void): Gauge<L> {
    return this.#keep(name, (config) => new Gauge<L>({ ...config, help, labelNames, ...collecting(collect) }));
  }

  histogram<L extends string>(name: string, help: string, labelNames: readonly L[], buckets: readonly number[]): Histogram<L> {
    const enableExemplars = this.hasExemplars;
    return this.#keep(name, (config) => new Histogram<L>({ ...config, help, labelNames, buckets: [...buckets], enableExemplars }));
  }

  /** @throws SF_OPTION_INVALID where the registry has another metric of that name; what was made before is taken back. */
  #keep<M extends Metric>(name: string, make: (config: { readonly name: string; readonly registers: AnyRegistry[] }) => M): M {
    const full = `${this.#prefix}${name}`;
    if (this.#registry.getSingleMetric(full) !== undefined) {
      for (const made of this.#made.keys()) this.#registry.removeSingleMetric(made);
      const expected = 'one under which the registry has no other metrics';
      throw new StageflowError('SF_OPTION_INVALID', {
        option: 'prefix',
        expected,
        received: `"${this.#prefix}", where "${full}" is taken`,
      });
    }
    const metric = make({ name: full, registers: [this.#registry] });
    this.#made.set(full, metric);
    return metric;
  }
}

/** Fills a metric anew each time it is read. */
function collecting<M extends { reset(): void }>(collect: ((metric: M) => void) | undefined): { collect?: (this: M) => void } {
  if (collect === undefined) return {};
  return {
    collect() {
      this.reset();
      collect(this);
    },
  };
}
