import { importCore } from '../built-core.mjs';
import { featureOf, loadFeature } from '../features.mjs';
import { sampled, timed } from './time.mjs';

/**
 * Time of one run after the other of one variant of a feature, after what it does was checked.
 *
 * @param {{ feature: string, variant: string, budgetMs: number }} subject
 * @throws Where a run does not resolve to what it must.
 */
export async function measureFeature({ feature, variant, budgetMs }) {
  const { run, yields } = await loadFeature(feature, variant, await importCore('.'));
  let found;
  const coldRunMs = await timed(async () => {
    found = await run();
  });
  if (yields !== undefined && found !== yields) throw new Error(`it yielded ${found}, not ${yields}`);
  const { samples, runMs, cpuShare } = await sampled(run, budgetMs, coldRunMs);
  return { coldRunMs, samples, runMs, cpuShare, usPerUnit: (runMs * 1000) / featureOf(feature).count };
}
