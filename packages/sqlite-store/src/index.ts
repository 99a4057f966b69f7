export type { SqliteDatabase, SqliteStatement, SqliteValue } from './sqlite-database.ts';
export { type SqliteRunStore, type SqliteRunStoreOptions, sqliteRunStore } from './sqlite-run-store.ts';
