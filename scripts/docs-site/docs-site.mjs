// The site of the documentation: built, and held to what it promises.
import { build as buildPackages } from '../build.mjs';
import { checkReading, checkSearch } from './browser.mjs';
import { buildDocsSite, siteBase, siteFolder } from './build.mjs';
import { brokenReferences, builtPages } from './built-site.mjs';

/** What must hold of the site, by name. @type {readonly [name: string, check: () => unknown][]} */
export const siteChecks = [
  ['documentation site', buildDocsSite],
  ['documentation site: links, anchors and what is fetched', checkReferences],
  ['documentation site: reads without scripts', checkReading],
  ['documentation site: search finds words offline', checkSearch],
];

/**
 * Builds packages and site, and checks it.
 *
 * @returns {Promise<number>} The exit code.
 */
export async function makeDocsSite() {
  await buildPackages();
  for (const [name, check] of siteChecks) {
    console.log(`\n== ${name}`);
    await check();
  }
  return 0;
}

function checkReferences() {
  const pages = builtPages(siteFolder);
  const broken = brokenReferences(pages, siteFolder, siteBase);
  if (broken.length > 0) throw new Error(broken.join('\n'));
  console.log(`${pages.length} pages`);
}
