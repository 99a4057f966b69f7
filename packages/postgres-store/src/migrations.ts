import { StageflowError } from '@stageflow/core';
import { type PgClient, type PgPool, transaction } from './pg-pool.ts';
import { quotedSchema } from './schema-name.ts';

/**
 * Each brings the schema from the version that is its place to the next. Append only: databases of every version exist.
 *
 * What core encoded is `text`, never `jsonb`, which would refuse `\u0000` and write numbers and members its own way. Ids
 * sort by bytes, whatever the language of the database is. Times are epoch milliseconds with fractions.
 */
const migrations: readonly ((schema: string) => string)[] = [
  (schema) => `CREATE TABLE ${schema}.runs (
  run_id text COLLATE "C" PRIMARY KEY,
  tenant_id text COLLATE "C",
  pipeline text COLLATE "C" NOT NULL,
  run text NOT NULL,
  status text NOT NULL,
  epoch integer NOT NULL,
  owner text,
  leased_until double precision NOT NULL,
  is_woken boolean NOT NULL DEFAULT false,
  outputs text,
  ended_at double precision
);
-- What may be due. Only what runs, and what rests and was answered, is in them, so that history costs nothing.
CREATE INDEX runs_leased ON ${schema}.runs (leased_until) WHERE status = 'running';
CREATE INDEX runs_woken ON ${schema}.runs (run_id) WHERE status = 'suspended' AND is_woken;
-- What may be pruned, the oldest first.
CREATE INDEX runs_ended ON ${schema}.runs (ended_at, run_id) WHERE ended_at IS NOT NULL;

CREATE TABLE ${schema}.records (
  run_id text COLLATE "C" NOT NULL,
  position bigint GENERATED ALWAYS AS IDENTITY,
  record text NOT NULL,
  PRIMARY KEY (run_id, position)
);

CREATE TABLE ${schema}.waits (
  wait_id text COLLATE "C" PRIMARY KEY,
  position bigint GENERATED ALWAYS AS IDENTITY,
  run_id text COLLATE "C" NOT NULL,
  tenant_id text COLLATE "C",
  type text COLLATE "C" NOT NULL,
  opened_at double precision NOT NULL,
  expires_at double precision,
  status text NOT NULL,
  wait text NOT NULL,
  answer text
);
CREATE INDEX waits_of_run ON ${schema}.waits (run_id, position);
-- What a tenant has to decide, oldest first, and what expires. Only open ones are in them.
CREATE INDEX waits_open ON ${schema}.waits (tenant_id, opened_at, position) WHERE status = 'open';
CREATE INDEX waits_expiring ON ${schema}.waits (expires_at) WHERE status = 'open' AND expires_at IS NOT NULL;

-- Answers that came before their wait, in the order they came.
CREATE TABLE ${schema}.early (
  run_id text COLLATE "C" NOT NULL,
  type text COLLATE "C" NOT NULL,
  position bigint GENERATED ALWAYS AS IDENTITY,
  payload text NOT NULL,
  PRIMARY KEY (run_id, type, position)
);`,
  // Idempotency, artifacts, events.
  (
    schema,
  ) => `-- A call that somebody holds, or what was kept of it: the former has no record. Its id is a hash, since what identifies it may
-- be longer than an index takes. Tokens come from a sequence, which grows also where nothing is left of earlier ones.
CREATE TABLE ${schema}.effects (
  id bytea PRIMARY KEY,
  identity text NOT NULL,
  token bigint NOT NULL GENERATED ALWAYS AS IDENTITY,
  params_hash text,
  record text,
  ends_at timestamptz NOT NULL
);
-- What has run out, the oldest first: each claim deletes some of it.
CREATE INDEX effects_ends ON ${schema}.effects (ends_at);

CREATE TABLE ${schema}.artifacts (
  tenant_key text COLLATE "C" NOT NULL,
  run_id text COLLATE "C" NOT NULL,
  artifact_id text COLLATE "C" NOT NULL,
  value text NOT NULL,
  PRIMARY KEY (tenant_key, run_id, artifact_id)
);

-- The key is the order in which a run is read. The announcement of drops has the number of the event that follows it, and is
-- in place 0; all others are in place 1.
CREATE TABLE ${schema}.events (
  tenant_key text COLLATE "C" NOT NULL,
  run_id text COLLATE "C" NOT NULL,
  epoch bigint NOT NULL,
  seq bigint NOT NULL,
  place smallint NOT NULL,
  event text NOT NULL,
  PRIMARY KEY (tenant_key, run_id, epoch, seq, place)
);`,
  // Pauses and votes.
  (schema) => `ALTER TABLE ${schema}.runs ADD COLUMN is_paused boolean NOT NULL DEFAULT false;
-- Each a vote in JSON, in the order they came; NULL while there are none.
ALTER TABLE ${schema}.waits ADD COLUMN votes text[];`,
];

/** Which statements to print. */
export interface PostgresMigrationsOptions {
  /** As given to the store. @default 'stageflow' */
  readonly schema?: string | undefined;
}

/**
 * The SQL of every version in order, for whoever changes the database by hand; run once, in this order, it leaves what
 * `store.migrate()` leaves. The first makes the schema.
 *
 * @throws TypeError Where PostgreSQL can have no schema of that name.
 * @example
 * ```ts
 * for (const sql of postgresMigrations({ schema: 'stageflow' })) console.log(sql);
 * ```
 */
export function postgresMigrations({ schema = 'stageflow' }: PostgresMigrationsOptions = {}): readonly string[] {
  const quoted = quotedSchema(schema);
  return migrations.map((statements, at) => `${at === 0 ? `${foundation(quoted)}\n` : ''}${statements(quoted)}\n${noted(quoted, at + 1)}`);
}

function foundation(schema: string): string {
  return `CREATE SCHEMA IF NOT EXISTS ${schema};
CREATE TABLE ${schema}.migrations (version integer PRIMARY KEY, applied_at timestamptz NOT NULL DEFAULT now());`;
}

function noted(schema: string, version: number): string {
  return `INSERT INTO ${schema}.migrations (version) VALUES (${version});`;
}

/**
 * Brings the schema to the version of this package. Any number of processes may do so at once: one does the work while the
 * others wait for its transaction, and find it done.
 *
 * @throws SF_STORE_VERSION Where a later version of this package made the schema.
 */
export async function migrate(pool: PgPool, schema: string): Promise<void> {
  const statements = postgresMigrations({ schema });
  if ((await versionOf(pool, schema)) === statements.length) return;
  await transaction(pool, async (client) => {
    // Of the transaction, not of the session: a session may be another process's a moment later.
    await client.query('SELECT pg_advisory_xact_lock(hashtextextended($1, 0))', [`stageflow:${schema}`]);
    const version = await versionOf(client, schema);
    if (version > statements.length) {
      const details = { subject: `The schema "${schema}"`, version, known: statements.length, package: '@stageflow/postgres-store' };
      throw new StageflowError('SF_STORE_VERSION', details);
    }
    for (const text of statements.slice(version)) await client.query(text);
  });
}

async function versionOf(client: Pick<PgClient, 'query'>, schema: string): Promise<number> {
  // By a query of the catalog: a function such as to_regclass() may answer from before the wait for the lock.
  const { rows: tables } = await client.query("SELECT 1 FROM pg_catalog.pg_tables WHERE schemaname = $1 AND tablename = 'migrations'", [
    schema,
  ]);
  if (tables.length === 0) return 0;
  const { rows } = await client.query(`SELECT coalesce(max(version), 0) AS version FROM ${quotedSchema(schema)}.migrations`);
  return Number((rows[0] as { readonly version: unknown }).version);
}
