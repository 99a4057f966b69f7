export { type PostgresMigrationsOptions, postgresMigrations } from './migrations.ts';
export type { PgClient, PgListenClient, PgListenPool, PgNotification, PgPool, PgResult } from './pg-pool.ts';
export { type PgliteDatabase, type PgliteQueries, type PgliteResult, pglitePool } from './pglite-pool.ts';
export { type PostgresRunStore, type PostgresRunStoreOptions, postgresRunStore } from './postgres-run-store.ts';
