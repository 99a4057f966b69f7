import { optionsOf, runOf } from './run-of.mjs';

/** Chunks from one stage to another, which adds them up. */
export default (core, count) => {
  const yields = (count * (count - 1)) / 2;
  async function* numbers() {
    for (let number = 0; number < count; number++) yield number;
  }
  const added = async (chunks) => {
    let total = 0;
    for await (const number of chunks) total += number;
    return total;
  };

  const streaming = (run) => async () => {
    const producer = core.stage('producer', { streams: true, run });
    const result = core.stage('reader', { needs: { chunks: core.streamed(producer) }, run: ({ chunks }) => added(chunks) });
    return { run: runOf(core.pipeline('stream', { outputs: { result } }), {}, optionsOf.stageflow), yields };
  };

  return {
    hand: async () => ({ run: () => added(numbers()), yields }),
    stageflow: streaming(numbers),
    'stageflow:emit': streaming(async (_, { emitChunk }) => {
      for (let number = 0; number < count; number++) await emitChunk(number);
    }),
  };
};
