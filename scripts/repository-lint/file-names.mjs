const vague = new Set(['util', 'utils', 'helper', 'helpers', 'common', 'manager', 'misc']);

/**
 * A file is named after its one concept: no `utils`, `helpers`, `common`, `manager` or `misc` anywhere in the name, no `types.ts`.
 *
 * @type {import('./project.mjs').Rule}
 */
export const fileNames = ({ files }) =>
  files.flatMap(({ path }) => {
    const name = path.split('/').at(-1) ?? '';
    const words = path.toLowerCase().split(/[/.-]/);
    const word = words.find((candidate) => vague.has(candidate)) ?? (/^types\.\w+$/.test(name) ? name : undefined);
    return word ? [{ place: path, message: `"${word}" says nothing: name the file after the concept in it` }] : [];
  });
