// The rules of this repository that no linter knows. Run by itself or as a step of verify; each rule has a test beside it.
import { pathToFileURL } from 'node:url';
import { dependencies } from './repository-lint/dependencies.mjs';
import { fileNames } from './repository-lint/file-names.mjs';
import { fileSize } from './repository-lint/file-size.mjs';
import { layering } from './repository-lint/layering.mjs';
import { leftovers } from './repository-lint/leftovers.mjs';
import { manifests } from './repository-lint/manifests.mjs';
import { readProject } from './repository-lint/project.mjs';
import { root } from './workspace.mjs';

const rules = { fileSize, fileNames, manifests, dependencies, layering, leftovers };

/**
 * @param {string} [base] The repository.
 * @returns {string[]} One line per problem: place, what is wrong, the rule.
 */
export function lintRepository(base = root) {
  const project = readProject(base);
  return Object.entries(rules).flatMap(([name, rule]) => rule(project).map(({ place, message }) => `${place}: ${message} [${name}]`));
}

if (process.argv[1] && import.meta.url === pathToFileURL(process.argv[1]).href) {
  const problems = lintRepository();
  for (const problem of problems) console.error(problem);
  process.exit(problems.length > 0 ? 1 : 0);
}
