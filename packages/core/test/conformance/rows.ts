import type { Section } from './row.ts';
import { aroundSections } from './rows/around.ts';
import { authoringSections } from './rows/authoring.ts';
import { mustDifferSections } from './rows/must-differ.ts';
import { packageSections } from './rows/packages.ts';
import { runningSections } from './rows/running.ts';
import { streamSections } from './rows/streams.ts';

/** Every numbered case, in the order of the numbers. */
export const sections: readonly Section[] = [
  ...authoringSections,
  ...runningSections,
  ...aroundSections,
  ...mustDifferSections,
  ...streamSections,
  ...packageSections,
];
