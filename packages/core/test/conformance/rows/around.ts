import { later, replaced, type Section, tested } from '../row.ts';

const declarative = '@stageflow/declarative';
const records = '@stageflow/agent';

/** Cases 166 to 204: subpipelines, events, tracing, contracts, utilities. */
export const aroundSections: readonly Section[] = [
  {
    title: 'Subpipelines',
    rows: [
      tested(166, 'A child runs and gives its outputs and its duration.'),
      replaced(
        167,
        'A child may have another topology and mode.',
        'A nested pipeline has its own name and its own failure mode; a child run may have a mode of its own.',
      ),
      tested(168, 'A child gets selected data, and changes nothing of its parent.'),
      tested(169, 'Starting and ending a child is told to the sink.'),
      tested(170, 'A child beyond the depth limit is refused, with the limit.'),
      tested(171, 'A child that has ended is no longer tracked.'),
      tested(172, 'Children, parents and roots can be looked up.'),
      replaced(173, 'The tracker counts what it sees.', 'Active runs are counted by pipeline, child runs among them, from their events.'),
      replaced(174, 'The tracker is global until it is replaced.', 'Nothing is global: a runtime knows its own runs.'),
      replaced(
        175,
        'Results and events of children have a map form.',
        'A subpipeline has a report and events like any stage, and these are plain data.',
      ),
    ],
  },
  {
    title: 'Events',
    rows: [
      tested(176, 'No-op and logging sinks satisfy the contract.'),
      replaced(177, 'An ambient sink can be set, read and cleared.', 'Nothing is ambient: sinks belong to a runtime or to one run.'),
      tested(178, 'Behind its queue a sink gets the same events.'),
      tested(179, 'At capacity events are dropped, counted, and announced to the sink.'),
      tested(180, 'Closing delivers what was queued, and closing again does nothing.'),
      tested(181, 'A sink that throws gets the next event all the same.'),
      tested(182, 'Of a burst beyond the capacity every event is either delivered or dropped.'),
      tested(183, 'The queue computes a rate of drops.'),
    ],
  },
  {
    title: 'Tracing',
    rows: [
      tested(184, 'The trace and correlation ids of the moment are captured and restored.'),
      tested(185, 'Trace, correlation, run id and baggage are written to headers and read back.'),
      replaced(
        186,
        'A correlation id is made when none is set and stays with its task.',
        'The correlation id is part of the identity of a run, so runs at once keep theirs.',
      ),
      tested(187, 'Spans work without a tracing backend.'),
      tested(188, 'The correlation id is written to and read from a header.'),
    ],
  },
  {
    title: 'Contracts and payloads',
    rows: [
      tested(189, 'A contract checks an output, fills in defaults, and the output has a version.'),
      later(
        190,
        'A contract is registered under a version.',
        declarative,
        'a contract is a schema on its stage; a registry matters where contracts have names',
      ),
      later(
        191,
        'One version cannot have two contracts.',
        declarative,
        'a contract is a schema on its stage; a registry matters where contracts have names',
      ),
      later(
        192,
        'Contracts are listed by stage.',
        declarative,
        'a contract is a schema on its stage; a registry matters where contracts have names',
      ),
      later(
        193,
        'Two versions of a contract are compared.',
        `${declarative} (plan lint)`,
        'comparing needs JSON Schema, which Standard Schema does not give',
      ),
      replaced(194, 'A version can be made from the time.', 'A version is a word of the author and stays what it was written as.'),
      tested(195, 'An error is plain data when it is written, with all that is known about it.'),
      replaced(196, 'Suggestions for codes can be registered.', 'Each code has its hint and its page in one table.'),
      replaced(
        197,
        'Payload helpers wrap and unwrap values, and check their type.',
        'The value is the payload; the compiler checks it, and a contract does at run time.',
      ),
    ],
  },
  {
    title: 'Utilities',
    rows: [
      later(198, 'A budget of tokens refuses what does not fit.', records, 'token budgets belong to prompts'),
      tested(199, 'Truncation is measured and reported.'),
      tested(200, 'Content has a checksum and may be stale.'),
      tested(201, 'Conflicting values are resolved by a strategy.'),
      replaced(
        202,
        'The difference of two maps can be computed and applied.',
        'A recipe of forty lines that is run as a test: what is kept for good needs a format of its host.',
      ),
      replaced(
        203,
        'A frozen map reads like its source, and copies can be changed.',
        'Under the development condition the output itself is frozen; copies can be changed.',
      ),
      replaced(
        204,
        'A shared bag takes each key once.',
        'There is no bag: a stage has one output, written once, under a name no other stage has.',
      ),
    ],
  },
];
