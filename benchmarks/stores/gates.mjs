// What must hold on any machine, or the command fails: ratios and counts, never times.
import { stageCount } from './work.mjs';

/** What a run may cost that is kept in memory, as a multiple of one that is not kept. */
const memoryLimit = 20;
/** What a thing may cost with the most stored runs, as a multiple of what it costs with the fewest: a hundredfold where it looks at each. */
const growthLimit = 3;
/** A run that waits for the disk says more about the disk. */
const gatedThings = ['unsyncedRun', 'due', 'waits', 'load'];
/** What it may take to go on with a run whose stages are half done, as a multiple of a whole run. */
const recoveryLimit = 2.5;
/** A run's beginning and its end, beside a commit a stage. */
const edgeCommits = 2;

/**
 * @param {import('./found.mjs').Found} found
 * @returns {import('../gates.mjs').Gate[]}
 */
export function checkGates(found) {
  return [correctness(found), memory(found), ...commits(found), ...recovery(found), ...growth(found)];
}

function correctness(found) {
  const name = 'correctness';
  const wrong = found.errors;
  if (wrong.length > 0)
    return { name, holds: false, detail: wrong.map(({ contender, part, error }) => `${contender}, ${part}: ${error}`).join('; ') };
  return { name, holds: true, detail: 'every run yielded what it must, and is kept with rows of every stage' };
}

function memory(found) {
  const name = 'a run in memory, to one that is not kept';
  const ratio = found.bestRatio('stageflow:memory:stage', 1, 'stageflow:none');
  if (ratio === undefined) return { name, holds: undefined, detail: 'not measured' };
  return { name, holds: ratio <= memoryLimit, detail: `${ratio.toFixed(2)} times the time, at most ${memoryLimit}` };
}

function commits(found) {
  return ['sqlite', 'postgres'].flatMap((store) =>
    [
      ['stage', stageCount + edgeCommits],
      ['effects', 2 * stageCount + edgeCommits],
    ].map(([kind, most]) => {
      const name = `commits of a run, ${store}, ${kind}`;
      const count = found.median(`stageflow:${store}:${kind}`, ({ at }) => Math.max(...Object.values(at).map((each) => each.commits)));
      if (count === undefined) return { name, holds: undefined, detail: 'not measured' };
      return { name, holds: count <= most, detail: `${count.toFixed(1)}, at most ${most}` };
    }),
  );
}

function recovery(found) {
  return found.part('recovery').map(({ contender, msPerRun, freshMsPerRun }) => {
    const ratio = msPerRun / freshMsPerRun;
    const detail = `${ratio.toFixed(2)} times the time of a whole run, at most ${recoveryLimit}`;
    return { name: `a recovered run, ${contender}`, holds: ratio <= recoveryLimit, detail };
  });
}

function growth(found) {
  return found.part('growth').flatMap(({ contender, sizes }) => {
    const [first, last] = [sizes[0], sizes.at(-1)];
    return gatedThings.map((what) => {
      const ratio = last.us[what] / first.us[what];
      const detail = `${ratio.toFixed(2)} times the time with ${last.size.toLocaleString('en-US')} runs as with ${first.size.toLocaleString('en-US')}, at most ${growthLimit}`;
      return { name: `growth, ${contender}, ${what}`, holds: ratio <= growthLimit, detail };
    });
  });
}
