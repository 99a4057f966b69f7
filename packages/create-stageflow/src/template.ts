/** What a project can begin as, and what each of them shows. */
export const templates = {
  basic: 'stages that run side by side, and one that may be missing',
  durable: 'a run that waits for a person in a SQLite file, and outlives its process',
  http: 'an HTTP service in which each request is a run',
} as const;

/** The name of a template. */
export type Template = keyof typeof templates;

/** The names, in the order in which they are told. */
export const templateNames = Object.keys(templates) as readonly Template[];

/** Whether there is a template of this name. */
export function isTemplate(name: string): name is Template {
  return Object.hasOwn(templates, name);
}
