import { z } from 'zod';

const name = z.string().min(1);

/** What a policy may say. A section that is left out is not checked; a word that is not known is an error, so that a typing error never switches a rule off. */
const Policy = z.strictObject({
  licences: z
    .strictObject({
      /** SPDX ids. Left out: every licence that is not denied. */
      allowed: z.array(name).optional(),
      denied: z.array(name).default([]),
      /** Package name to the reason why its licence is accepted, whatever it is. */
      exceptions: z.record(name, name).default({}),
    })
    .optional(),
  sizes: z
    .strictObject({
      maxTotalMegabytes: z.number().positive().optional(),
      maxPackageMegabytes: z.number().positive().optional(),
    })
    .optional(),
  engines: z
    .strictObject({
      /** The version of Node that every package must accept. */
      node: z.string().regex(/^\d+\.\d+\.\d+$/, 'expected a version such as "24.1.0"'),
    })
    .optional(),
  installScripts: z
    .strictObject({
      /** Names of packages that may run scripts when they are installed. */
      allowed: z.array(name),
    })
    .optional(),
  duplicateVersions: z
    .strictObject({
      /** How many versions of one package may be installed. */
      max: z.int().min(1),
      exceptions: z.array(name).default([]),
    })
    .optional(),
  manifests: z.strictObject({ maxUnreadable: z.int().min(0) }).optional(),
});

/** What a tree of packages is held against. */
export type Policy = z.output<typeof Policy>;

/** The contract of a policy file: its text goes in, the checked policy comes out, complaints say where in the file. */
export const PolicyFile = z
  .string()
  .transform((text, context): unknown => {
    try {
      return JSON.parse(text);
    } catch (error) {
      context.addIssue({ code: 'custom', message: `not valid JSON: ${error instanceof Error ? error.message : error}` });
      return z.NEVER;
    }
  })
  .pipe(Policy);
