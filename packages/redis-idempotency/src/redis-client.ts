/** What is needed of an `ioredis` client. */
export interface RedisClient {
  evalsha(sha1: string, numberOfKeys: number, ...keysAndArguments: string[]): Promise<unknown>;
  eval(script: string, numberOfKeys: number, ...keysAndArguments: string[]): Promise<unknown>;
}

/** A client that can make another connection like its own. */
export interface RedisClientWithDuplicate extends RedisClient {
  duplicate(): RedisSubscriber;
}

/** A client of a cluster: it sends each command to the node that the key belongs to, and has a connection to each node. */
export interface RedisClusterClient extends RedisClient {
  nodes(role: 'master'): readonly { duplicate(): RedisSubscriber }[];
}

/** A connection that hears what is published. */
export interface RedisSubscriber {
  subscribe(channel: string): Promise<unknown>;
  unsubscribe(channel: string): Promise<unknown>;
  on(event: 'message', listener: (channel: string) => void): unknown;
  on(event: 'close' | 'error', listener: () => void): unknown;
  disconnect(): void;
}
