export { type SqliteArtifactStore, type SqliteArtifactStoreOptions, sqliteArtifactStore } from './sqlite-artifact-store.ts';
export type { SqliteDatabase, SqliteStatement, SqliteValue } from './sqlite-database.ts';
export {
  type EventBatchOptions,
  type EventPosition,
  type EventSinkCounters,
  type ReadEventsOptions,
  type SqliteEventSink,
  type SqliteEventSinkOptions,
  sqliteEventSink,
} from './sqlite-event-sink.ts';
export { type SqliteIdempotencyStore, type SqliteIdempotencyStoreOptions, sqliteIdempotencyStore } from './sqlite-idempotency-store.ts';
export type { SqliteLocation } from './sqlite-location.ts';
export { type SqliteRunStore, type SqliteRunStoreOptions, sqliteRunStore } from './sqlite-run-store.ts';
