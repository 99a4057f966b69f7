import { type Manifest, textIn } from '../node-modules/manifest.ts';

/**
 * The licence that a manifest declares, in each shape npm has ever had: text, `{ type }`, and the old array `licenses`,
 * which offers a choice.
 *
 * @returns An SPDX expression, if the author wrote one; `undefined` where the manifest says nothing.
 */
export function declaredLicence(manifest: Manifest): string | undefined {
  return licenceIn(manifest['license']) ?? licenceIn(manifest['licenses']);
}

function licenceIn(value: unknown): string | undefined {
  if (typeof value === 'string') return value.trim() || undefined;
  if (!Array.isArray(value)) return textIn(value, 'type') ?? textIn(value, 'name');
  const choices = value.map(licenceIn).filter((choice) => choice !== undefined);
  return choices.length === 0
    ? undefined
    : choices.map((choice) => (choices.length > 1 && /\s/.test(choice) ? `(${choice})` : choice)).join(' OR ');
}
