/** Entry `/limits`: the slots and queues that limit runs and resources, for limits of one's own. */
export type { OverloadOptions } from './limits/overload.ts';
export type { WaitPercentiles } from './limits/recent-waits.ts';
export {
  type ResourceHost,
  type ResourceOptions,
  type ResourcePool,
  type ResourceSnapshot,
  resourcePool,
} from './limits/resource-pool.ts';
export type { Refusal, SlotRequest, Ticket } from './limits/ticket.ts';
