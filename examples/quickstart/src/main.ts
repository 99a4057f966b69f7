import { inputs, pipeline, stage } from '@stageflow/core';

const { name } = inputs<{ name: string }>();

const greet = stage('greet', { needs: { name }, run: ({ name }) => `Hello, ${name}` });
const shout = stage('shout', { needs: { greet }, run: ({ greet }) => `${greet.toUpperCase()}!` });

export const welcome = pipeline('welcome', { outputs: { shout } });

const run = await welcome.run({ name: 'Ada' });
if (run.status === 'completed') console.log(run.outputs.shout); // HELLO, ADA!
