import type { RetryPolicy } from '@stageflow/core';

/** How a stage that reads files is run: again while the system is out of handles, and not for ever on a disk that hangs. */
export const diskPolicy = {
  idleMs: 60_000,
  retry: { attempts: 3, baseMs: 250, when: isBusy },
} as const satisfies { readonly idleMs: number; readonly retry: RetryPolicy };

/** Whether the system is short of something that it may have again in a moment. */
export function isBusy(error: unknown): boolean {
  return ['EMFILE', 'ENFILE', 'EAGAIN', 'EBUSY'].includes(codeOf(error));
}

/** Whether there is nothing under a path: it vanished, is no folder, or is a link that leads nowhere. */
export function isGone(error: unknown): boolean {
  return ['ENOENT', 'ENOTDIR', 'ELOOP'].includes(codeOf(error));
}

/** Whether there is something, and we may not see it. */
export function isForbidden(error: unknown): boolean {
  return ['EACCES', 'EPERM'].includes(codeOf(error));
}

/** The system's code of an error: `ENOENT` and the like; empty where it has none. */
export function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : '';
}
