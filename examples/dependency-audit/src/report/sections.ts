import type { Facts } from '../stages/facts.ts';
import { counted, inMegabytes } from './wording.ts';

/** One table of the report, as plain text: whoever draws it escapes it. */
export interface Section {
  readonly title: string;
  /** What the numbers mean. */
  readonly note: string;
  readonly columns: readonly { readonly title: string; readonly numeric?: true }[];
  readonly rows: readonly (readonly string[])[];
}

const largest = 20;

/** The tables of the report. Those with nothing to show have no rows. */
export function sectionsOf(facts: Facts): Section[] {
  return [
    licenceSection(facts),
    sizeSection(facts),
    engineSection(facts),
    scriptSection(facts),
    duplicateSection(facts),
    unreadableSection(facts),
  ];
}

function licenceSection({ packages }: Facts): Section {
  const byLicence = new Map<string, Set<string>>();
  for (const { licence, name } of packages) byLicence.set(licence, (byLicence.get(licence) ?? new Set()).add(name));
  const rows = [...byLicence].sort(([, left], [, right]) => right.size - left.size);
  return {
    title: 'Licences',
    note: 'As the manifests declare them. "SEE LICENSE IN" stands for a file that somebody should read, "unknown" for neither.',
    columns: [{ title: 'Licence' }, { title: 'Packages', numeric: true }, { title: 'Which' }],
    rows: rows.map(([licence, names]) => [licence, String(names.size), abridged([...names])]),
  };
}

function sizeSection({ sizes }: Facts): Section {
  const packages = sizes?.packages ?? [];
  const short =
    sizes !== undefined && sizes.unreadableFolders > 0 ? ` ${counted(sizes.unreadableFolders, 'folder')} could not be read.` : '';
  const more = packages.length > largest ? `The largest ${largest} of ${packages.length}. ` : '';
  return {
    title: 'Sizes',
    note: `${more}Bytes of files, nested packages counted by themselves. The total of the summary counts a file with several hard links once.${short}`,
    columns: [{ title: 'Package' }, { title: 'Size', numeric: true }, { title: 'Files', numeric: true }],
    rows: packages.slice(0, largest).map(({ id, bytes, files }) => [id, inMegabytes(bytes), files.toLocaleString('en')]),
  };
}

function engineSection({ packages, node }: Facts): Section {
  const those = (wanted: string): string[][] =>
    packages.flatMap(({ id, engine }) => (engine?.finding === wanted ? [[id, engine.range, engine.finding]] : []));
  return {
    title: 'Engines',
    note: `Packages that do not accept Node ${node}, or say it in a way that is no range of versions.`,
    columns: [{ title: 'Package' }, { title: 'Asks for Node' }, { title: 'Finding' }],
    rows: [...those('refuses'), ...those('not a range')],
  };
}

function scriptSection({ packages }: Facts): Section {
  return {
    title: 'Install scripts',
    note: 'Commands that run on the machine of whoever installs, where the package manager allows it.',
    columns: [{ title: 'Package' }, { title: 'Script' }, { title: 'Command' }],
    rows: packages.flatMap(({ id, installScripts }) => installScripts.map(({ script, command }) => [id, script, command])),
  };
}

function duplicateSection({ duplicateVersions }: Facts): Section {
  return {
    title: 'Duplicate versions',
    note: 'Packages that are installed in more than one version.',
    columns: [{ title: 'Package' }, { title: 'Count', numeric: true }, { title: 'Versions' }],
    rows: duplicateVersions.map(({ name, versions }) => [name, String(versions.length), versions.join(', ')]),
  };
}

function unreadableSection({ unreadable }: Facts): Section {
  return {
    title: 'Unreadable manifests',
    note: 'Places where a package should be. They are in no other table.',
    columns: [{ title: 'Place' }, { title: 'Problem' }],
    rows: unreadable.map(({ directory, problem }) => [directory, problem]),
  };
}

function abridged(names: readonly string[]): string {
  const shown = names.slice(0, 6);
  return names.length > shown.length ? `${shown.join(', ')} and ${names.length - shown.length} more` : shown.join(', ');
}
