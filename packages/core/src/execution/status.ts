/** Where each stage of a run is, as numbers: one byte a stage. */

/** Not started: something it waits for has not ended. */
export const waiting = 0;
/** Started, or between two attempts. */
export const running = 1;
export const completed = 2;
/** Skipped by choice. */
export const skipped = 3;
/** Skipped because something before it failed or was blocked. */
export const doomed = 4;
export const failed = 5;
export const blocked = 6;
export const cancelled = 7;
