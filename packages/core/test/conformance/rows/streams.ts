import { replaced, type Section, tested } from '../row.ts';

const values =
  'Chunks are values of any kind; what a format of sound means is for the stages that make and play it, and no helper stands in core.';
const marks =
  'A producer that finds no room waits; there is no second signal to heed. stream.closed says how long it waited, and the highest fill.';
const pace = 'A buffer counts chunks and knows nothing of time: a stage that plays sound paces itself, and drop-oldest loses the oldest.';

/** Cases of streaming, from the packages around the core. */
export const streamSections: readonly Section[] = [
  {
    title: 'Streams',
    rows: [
      replaced('M156', 'The duration of a chunk of sound follows from its bytes and format.', values),
      replaced('M157', 'A chunk writes its sound as base64, and reads it back.', values),
      replaced('M158', 'A throttle begins at a high mark and ends at a low mark.', marks),
      tested('M159', 'Chunks arrive in order; the iteration gives all of them and ends.'),
      tested('M160', 'Where chunks may be dropped, the oldest go, and the drops are counted and announced.'),
      tested('M161', 'The end of a stream is an event with totals.'),
      replaced(
        'M162',
        'The throttle emits events; an emitter that throws does not affect the queue.',
        `${marks} A sink that throws changes nothing.`,
      ),
      replaced('M163', 'A buffer of sound is ready at its target, and loses the oldest sound beyond its maximum.', pace),
      replaced('M164', 'Reading more than there is is announced once until the buffer has recovered.', pace),
      replaced(
        'M165',
        'A channel is found by its name; what is published is delivered in order.',
        'There are no channels by name: an edge joins two stages, typed and in order, and each reader gets every chunk.',
      ),
      replaced('M166', 'Sound is logged as its size and a sample.', 'Chunks do not appear in events unless their stage publishes them.'),
      tested('M167', 'Two readers of one producer both end when it ends.'),
      replaced(
        'M168',
        'A chunk that is larger than the buffer is held to its maximum all the same.',
        'Capacity is a number of chunks, and holds whatever their size.',
      ),
      tested('M169', 'A reader runs at the same time as its producer: 1,000 chunks go through 10 places.'),
      tested('M170', 'A producer that waits for room is released by a cancel and by the end of its reader.'),
    ],
  },
];
