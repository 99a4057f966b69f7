import { fail, inputs, pipeline, services, work } from '@stageflow/core';
import type { BookingService } from './booking-service.ts';

const { city } = inputs<{ city: string }>();
const { bookings } = services<{ bookings: BookingService }>();

const flight = work('flight', {
  needs: { city, bookings },
  run: ({ city, bookings }, { idempotencyKey }) => bookings.book(idempotencyKey, `a flight to ${city}`),
  // By the key, not by the result: whether there is one is not known of an effect that a crash interrupted.
  undo: ({ bookings }, { idempotencyKey }) => bookings.cancel(idempotencyKey),
});

const hotel = work('hotel', {
  needs: { city, bookings },
  after: [flight],
  run: ({ city, bookings }, { idempotencyKey }) => bookings.book(idempotencyKey, `a hotel in ${city}`),
  undo: ({ bookings }, { idempotencyKey }) => bookings.cancel(idempotencyKey),
});

const car = work('car', {
  needs: { city, bookings },
  after: [hotel],
  run: ({ city, bookings }, { idempotencyKey }) => bookings.book(idempotencyKey, `a car in ${city}`),
  undo: ({ bookings }, { idempotencyKey }) => bookings.cancel(idempotencyKey),
});

const paid = work('paid', { needs: { flight, hotel, car }, run: () => fail('the card was declined') });

export const trip = pipeline('trip', { outputs: { paid } });
