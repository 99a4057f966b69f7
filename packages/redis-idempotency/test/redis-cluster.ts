import { setTimeout as delay } from 'node:timers/promises';
import { Cluster, Redis } from 'ioredis';
import { freePort, type RedisServer, startRedis } from './redis-server.ts';

/** A node of a cluster that was started. */
export interface ClusterNode {
  readonly server: RedisServer;
  readonly id: string;
  readonly busPort: number;
  /** A connection to this node alone. */
  readonly redis: Redis;
  /** A short word of which a key is made that belongs to this node. */
  some(keyOf: (word: string) => string): Promise<string>;
}

/** A real Redis Cluster on loopback: three masters that share the slots evenly and, where asked for, a replica of the first. */
export interface RedisCluster {
  readonly masters: readonly [ClusterNode, ClusterNode, ClusterNode];
  readonly replica: ClusterNode | undefined;
  /** A client of the whole cluster, which `remove()` ends. */
  connect(): Cluster;
  /** For good. */
  remove(): Promise<void>;
}

/** Starts a cluster whose nodes agree that all slots are served, and whose replica, if there is one, has what its master has. */
export async function startRedisCluster({ withReplica = false }: { readonly withReplica?: boolean } = {}): Promise<RedisCluster> {
  // Where nobody is to take over, a machine that is busy must not make nodes take each other for dead.
  const nodes = await (withReplica ? startNodes(4, 1_000) : startNodes(3, 15_000));
  const clients: Cluster[] = [];
  const cluster: RedisCluster = {
    masters: nodes.slice(0, 3) as [ClusterNode, ClusterNode, ClusterNode],
    replica: nodes[3],
    connect() {
      const client = new Cluster(nodes.map(({ server }) => ({ host: '127.0.0.1', port: server.port })));
      client.on('error', () => {});
      clients.push(client);
      return client;
    },
    async remove() {
      for (const client of clients) client.disconnect();
      for (const { redis } of nodes) redis.disconnect();
      await Promise.all(nodes.map(({ server }) => server.remove()));
    },
  };
  try {
    await join(cluster, nodes);
  } catch (error) {
    await cluster.remove();
    throw error;
  }
  return cluster;
}

/** The value of a field that `CLUSTER INFO` or `INFO` gives. */
function fieldOf(info: string, field: string): string | undefined {
  return new RegExp(`^${field}:(.*?)\\r?$`, 'm').exec(info)?.[1];
}

/** How often the node has answered with an error of this kind. */
export async function errorsOf({ redis }: ClusterNode, kind: string): Promise<number> {
  return Number(/count=(\d+)/.exec(fieldOf(await redis.info('errorstats'), `errorstat_${kind}`) ?? '')?.[1] ?? 0);
}

/** Asks again and again until the answer is yes. */
export async function eventually(what: string, isSo: () => Promise<boolean>, withinMs = 20_000): Promise<void> {
  for (const end = performance.now() + withinMs; performance.now() < end; await delay(10)) if (await isSo().catch(() => false)) return;
  throw new Error(`It did not come about within ${withinMs} ms: ${what}.`);
}

/** All of them, or none. A node that is silent for the time is taken for dead by the others. */
async function startNodes(count: number, nodeTimeoutMs: number): Promise<ClusterNode[]> {
  const starts = await Promise.allSettled(Array.from({ length: count }, () => startNode(nodeTimeoutMs)));
  const nodes = starts.flatMap((start) => (start.status === 'fulfilled' ? [start.value] : []));
  const failed = starts.find((start) => start.status === 'rejected');
  if (failed === undefined) return nodes;
  for (const { redis } of nodes) redis.disconnect();
  await Promise.all(nodes.map(({ server }) => server.remove()));
  throw failed.reason;
}

async function startNode(nodeTimeoutMs: number): Promise<ClusterNode> {
  const busPort = await freePort();
  const server = await startRedis({
    'cluster-enabled': 'yes',
    'cluster-port': String(busPort),
    'cluster-node-timeout': String(nodeTimeoutMs),
    // A replica takes over however long it has not heard of its master: what a test breaks must not keep it from that.
    'cluster-replica-validity-factor': '0',
    // By default a master waits five seconds for more replicas before it sends the first what it has.
    'repl-diskless-sync-delay': '0',
  });
  const redis = new Redis({ port: server.port, maxRetriesPerRequest: 1, retryStrategy: () => 20 });
  redis.on('error', () => {});
  return {
    server,
    busPort,
    redis,
    id: String(await redis.cluster('MYID')),
    async some(keyOf) {
      for (let at = 0; ; at++) if (await ownsKey(redis, keyOf(`w${at}`))) return `w${at}`;
    },
  };
}

/** A node that is asked for a key of another says so with an error. */
async function ownsKey(redis: Redis, key: string): Promise<boolean> {
  try {
    await redis.exists(key);
    return true;
  } catch (error) {
    if ((error as Error).message.startsWith('MOVED')) return false;
    throw error;
  }
}

async function join({ masters, replica }: RedisCluster, nodes: readonly ClusterNode[]): Promise<void> {
  const bounds = [0, 5_461, 10_923, 16_384] as const;
  for (const [at, { redis }] of masters.entries()) {
    await redis.call('CLUSTER', 'ADDSLOTSRANGE', String(bounds[at]), String((bounds[at + 1] as number) - 1));
    await redis.call('CLUSTER', 'SET-CONFIG-EPOCH', String(at + 1));
  }
  for (const { server, busPort } of nodes.slice(1))
    await masters[0].redis.call('CLUSTER', 'MEET', '127.0.0.1', String(server.port), String(busPort));
  await eventually('all nodes know each other', async () =>
    (await infos(nodes)).every((info) => fieldOf(info, 'cluster_known_nodes') === String(nodes.length)),
  );
  if (replica)
    await eventually(
      'the replica knows its master',
      async () => (await replica.redis.call('CLUSTER', 'REPLICATE', masters[0].id)) === 'OK',
    );
  await eventually('all nodes serve all slots', async () => (await infos(nodes)).every((info) => fieldOf(info, 'cluster_state') === 'ok'));
  if (replica) await eventually('the replica follows', () => follows(replica));
}

/** Whether the node is a replica that has what its master has. */
export async function follows({ redis }: ClusterNode): Promise<boolean> {
  return fieldOf(await redis.info('replication'), 'master_link_status') === 'up';
}

/** Whether the node itself says so. */
export async function isMaster({ redis }: ClusterNode): Promise<boolean> {
  return fieldOf(await redis.info('replication'), 'role') === 'master';
}

function infos(nodes: readonly ClusterNode[]): Promise<string[]> {
  return Promise.all(nodes.map(async ({ redis }) => String(await redis.cluster('INFO'))));
}
