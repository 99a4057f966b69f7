import { pipeline, stage } from '@stageflow/core';
const busy = (ms: number) => { const e = performance.now() + ms; while (performance.now() < e); };
const mk = (n: string) => stage(n, { run: async () => { busy(50); return n; } });
const [a, b, c] = [mk('a'), mk('b'), mk('c')];
const r = await pipeline('p', { outputs: { a, b, c } }).run({});
for (const s of r.stages.values()) console.log(s.stage, s.durationMs, s.queuedMs);
