/** The ports of Stageflow: interfaces that adapters implement. Types only. */
export type { Clock, Timer } from './ports/clock.ts';
export type { ConfigProvider } from './ports/config-provider.ts';
export type { EventSink } from './ports/event-sink.ts';
