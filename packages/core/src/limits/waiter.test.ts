import { expect, test } from 'vitest';
import { Lane } from './lane.ts';
import { PoolTicket } from './ticket.ts';
import { Arrivals, Waiter } from './waiter.ts';

function waiter(order: number): Waiter {
  const lane = new Lane(undefined);
  return new Waiter(new PoolTicket({ end() {} }, lane, 'waiting'), lane, { rank: 0, order, since: 0 });
}

test.each([
  ['first', 0, [1, 2]],
  ['middle', 1, [0, 2]],
  ['last', 2, [0, 1]],
])('the %s to arrive can leave, and keeps hold of nobody', (_, gone, left) => {
  const arrivals = new Arrivals();
  const waiters = [0, 1, 2].map(waiter);
  for (const each of waiters) arrivals.add(each);
  const leaving = waiters[gone] as Waiter;
  expect(leaving.previous ?? leaving.next).toBeDefined();
  arrivals.remove(leaving);
  expect([leaving.previous, leaving.next]).toEqual([undefined, undefined]);
  const orders: number[] = [];
  for (let each = arrivals.first; each !== undefined; each = each.next) orders.push(each.order);
  expect([orders, arrivals.count]).toEqual([left, 2]);
});
