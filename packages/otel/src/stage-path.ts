/**
 * The path of what a stage stands below: of its region, or of the stage that called it. `undefined` for a stage of the
 * pipeline itself. Names have neither slashes nor brackets, keys may have slashes.
 */
export function pathAround(path: string): string | undefined {
  const slash = path.lastIndexOf('/');
  if (slash === -1) return undefined;
  const around = path.slice(0, slash);
  return around.endsWith(']') ? around.slice(0, around.lastIndexOf('[')) : around;
}

/** A path without the keys of items and the numbers of turns, drafts and calls: there are no more of them than stages. */
export function withoutKeys(path: string): string {
  return path.includes('[') ? path.replace(/\[[^\]]*\]/g, '') : path;
}
