import { stage, pipeline } from '@stageflow/core';
const chain=(length)=>{let last=stage('s0',{run:()=>0});for(let i=1;i<length;i++)last=stage(`s${i}`,{needs:{before:last},run:({before})=>before+1});return pipeline('c',{outputs:{last}})};
const t=async(n)=>{const b=process.cpuUsage();await chain(n).run({});const {user,system}=process.cpuUsage(b);return user+system};
const least=async(n)=>Math.min(await t(n),await t(n),await t(n));
await t(5000);
for(let i=0;i<5;i++)console.log((await least(40000))/(await least(5000)));
