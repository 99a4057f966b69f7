import { migrate } from './migrations.ts';
import { configure, openFile, type SqliteDatabase } from './sqlite-database.ts';

/** Where things are kept: a file that the store opens, or a connection of the host's. */
export type SqliteLocation =
  | {
      /** A path; created where it is missing. Any number of processes of one machine may use it at once, and any number of stores. */
      readonly file: string;
      readonly database?: undefined;
    }
  | {
      /** A connection of node:sqlite, with which nothing else may be in a transaction when a method is called. The store never closes it. */
      readonly database: SqliteDatabase;
      readonly file?: undefined;
    };

/** A connection to a file that is of the version of this package. */
export interface SqliteConnection {
  readonly database: SqliteDatabase;
  /** Closes what was opened here, and nothing else. */
  readonly close: () => void;
}

/**
 * Opens a file where there is no connection yet, sets the connection up, and brings the file up to date.
 *
 * @throws What node:sqlite throws; an error where a later version of this package made the file.
 */
export function connect({ file, database }: SqliteLocation): SqliteConnection {
  if (database !== undefined) return prepared({ database, close: () => {} });
  const opened = openFile(file);
  try {
    return prepared({ database: opened, close: () => opened.close() });
  } catch (error) {
    opened.close();
    throw error;
  }
}

function prepared(connection: SqliteConnection): SqliteConnection {
  configure(connection.database);
  migrate(connection.database);
  return connection;
}
