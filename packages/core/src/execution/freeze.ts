/** Outputs are handed on as they are; see `freeze.development.ts`. */
export function freezeOutput(_value: unknown): void {}

/** Records that several parties read are handed on as they are; see `freeze.development.ts`. */
export function freezeRecord(_record: object): void {}
