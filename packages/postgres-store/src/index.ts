export type { EventSinkCounters } from './event-batches.ts';
export { type PostgresMigrationsOptions, postgresMigrations } from './migrations.ts';
export type { PgClient, PgListenClient, PgListenPool, PgNotification, PgPool, PgResult } from './pg-pool.ts';
export { type PgliteDatabase, type PgliteQueries, type PgliteResult, pglitePool } from './pglite-pool.ts';
export { type PostgresArtifactStore, type PostgresArtifactStoreOptions, postgresArtifactStore } from './postgres-artifact-store.ts';
export type { PostgresLocation } from './postgres-connection.ts';
export {
  type EventPosition,
  type PostgresEventSink,
  type PostgresEventSinkOptions,
  postgresEventSink,
  type ReadEventsOptions,
} from './postgres-event-sink.ts';
export {
  type PostgresIdempotencyStore,
  type PostgresIdempotencyStoreOptions,
  postgresIdempotencyStore,
} from './postgres-idempotency-store.ts';
export { type PostgresRunStore, type PostgresRunStoreOptions, postgresRunStore } from './postgres-run-store.ts';
