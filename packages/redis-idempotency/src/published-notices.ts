import type { RedisSubscriber } from './redis-client.ts';
import { messageOf, unavailable } from './redis-script.ts';

/** Those who wait for one channel. */
interface Topic {
  readonly subscribed: Promise<unknown>;
  readonly waiting: Set<Waiting>;
}

interface Waiting {
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

/** Waits for what is published, over one connection that is opened when somebody first waits. */
export class PublishedNotices {
  readonly #connect: () => RedisSubscriber;
  readonly #subject: string;
  readonly #topics = new Map<string, Topic>();
  #subscriber: RedisSubscriber | undefined;
  #closed = false;

  constructor(connect: () => RedisSubscriber, subject: string) {
    this.#connect = connect;
    this.#subject = subject;
  }

  /**
   * Resolves when something is published on a channel, and at once where `isOver` says that nothing more will be: it is asked when
   * the subscription stands, so that nothing is missed between the two.
   *
   * @throws SF_REDIS_UNAVAILABLE; the reason of the signal.
   */
  async next(channel: string, isOver: () => Promise<boolean>, signal?: AbortSignal): Promise<void> {
    signal?.throwIfAborted();
    if (this.#closed) throw unavailable(this.#subject, 'the store was closed');
    const topic = this.#topicOf(channel);
    let leave = (): void => {};
    const told = new Promise<void>((resolve, reject) => {
      const waiting = { resolve, reject };
      const stop = (): void => reject(signal?.reason);
      topic.waiting.add(waiting);
      signal?.addEventListener('abort', stop);
      leave = () => {
        topic.waiting.delete(waiting);
        signal?.removeEventListener('abort', stop);
      };
    });
    try {
      await Promise.race([told, this.#unlessOver(topic, isOver, told)]);
    } finally {
      leave();
      if (topic.waiting.size === 0) this.#drop(channel, topic);
    }
  }

  /** Those who wait are rejected. */
  close(): void {
    this.#closed = true;
    this.#disconnect('the store was closed');
  }

  async #unlessOver({ subscribed }: Topic, isOver: () => Promise<boolean>, told: Promise<void>): Promise<void> {
    try {
      await subscribed;
    } catch (error) {
      throw unavailable(this.#subject, messageOf(error), error);
    }
    if (!(await isOver())) await told;
  }

  #topicOf(channel: string): Topic {
    this.#subscriber ??= this.#opened();
    const topic = this.#topics.get(channel) ?? { subscribed: this.#subscriber.subscribe(channel), waiting: new Set() };
    this.#topics.set(channel, topic);
    return topic;
  }

  #opened(): RedisSubscriber {
    const subscriber = this.#connect();
    subscriber.on('message', (channel) => this.#tell(this.#topics.get(channel)));
    // A connection that is lost is given up, and the next that waits opens another. Left to itself, ioredis subscribes again, and nobody
    // catches what becomes of that when the connection is closed meanwhile.
    subscriber.on('close', () => {
      if (subscriber === this.#subscriber) this.#disconnect('the connection was lost');
    });
    // What cannot be sent is rejected where it is sent.
    subscriber.on('error', () => {});
    return subscriber;
  }

  #tell(topic: Topic | undefined): void {
    for (const { resolve } of topic?.waiting ?? []) resolve();
  }

  #drop(channel: string, topic: Topic): void {
    if (this.#topics.get(channel) !== topic) return;
    this.#topics.delete(channel);
    this.#subscriber?.unsubscribe(channel).catch(() => {});
  }

  #disconnect(why: string): void {
    const subscriber = this.#subscriber;
    this.#subscriber = undefined;
    const topics = [...this.#topics.values()];
    this.#topics.clear();
    for (const { waiting } of topics) for (const { reject } of waiting) reject(unavailable(this.#subject, why));
    subscriber?.disconnect();
  }
}
