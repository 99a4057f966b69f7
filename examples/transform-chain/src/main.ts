import { readingTime } from './pipeline.ts';

const markdown = `# Stages are values

A stage names what it **needs** by [reference](https://example.org), so the compiler knows what it receives.
`;

const { outputs } = await readingTime.runOrThrow({ markdown });
console.log(outputs.label);
