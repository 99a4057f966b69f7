import { expect, test } from 'vitest';
import { nextCommands } from './next-commands.ts';

test('no change of folder is asked for where the project is here', () => {
  expect(nextCommands('.')).toEqual({ install: 'npm install', start: 'npm start' });
});

test('a folder that a shell would take apart is quoted', () => {
  expect(nextCommands("it's mine").install).toBe("cd 'it'\\''s mine' && npm install");
});
