// What every contender does: ten stages in a chain, then three that read the last of them. Each yields a value of about 200
// bytes of JSON, made from the one before, so that a result that is right has been through all of them.

/** Names of the chain, in order. */
export const chain = Array.from({ length: 10 }, (_, at) => `step${at + 1}`);
/** Names of those that read the end of the chain. */
export const fan = ['left', 'middle', 'right'];
export const stageCount = chain.length + fan.length;

const text = 'What a stage of an assistant yields: a sentence or two, a few ids, a number. '.repeat(2);

/** What a run begins with. */
export const seed = { step: 0, by: 'nobody', ok: true, text };

let calls = 0;

/** How often a stage was called in this process. */
export const callCount = () => calls;

/**
 * One stage.
 *
 * @param {string} name
 * @param {typeof seed} previous
 */
export async function stageWork(name, previous) {
  calls++;
  return { step: previous.step + 1, by: name, ok: previous.ok, text: previous.text };
}

/**
 * @param {readonly (typeof seed | undefined)[]} ends What the fan yielded.
 * @throws Where that is not what it must be.
 */
export function checkEnds(ends) {
  const found = ends.map((end) => `${end?.by} ${end?.step}`).join();
  const right = fan.map((name) => `${name} ${chain.length + 1}`).join();
  if (found !== right || ends.some((end) => end?.text !== text)) throw new Error(`The run yielded ${found}, not ${right}.`);
}
