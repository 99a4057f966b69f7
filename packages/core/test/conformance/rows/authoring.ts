import { replaced, type Section, tested } from '../row.ts';

const plainRecords =
  'Records of @stageflow/context-records are plain data as they stand: there is no other form, and what is absent is undefined.';

/** Cases 1 to 97: values, identity, context, inputs, building, registering. */
export const authoringSections: readonly Section[] = [
  {
    title: 'Outputs and outcomes',
    rows: [
      tested(1, 'There are six distinct kinds of stage, each written as its own word.'),
      replaced(
        2,
        'Five statuses: ok, skip, cancel, fail, retry.',
        'Outcomes are completed, skipped, failed, blocked and cancelled; a wish to be called again is no outcome but a matter of the retry policy.',
      ),
      replaced(
        3,
        'An output made of nothing is ok with empty data.',
        'There is no output record: a stage that returns nothing has completed with undefined.',
      ),
      tested(4, 'A stage yields exactly the record it was made of.'),
      replaced(
        5,
        'A skip carries a reason, empty by default, and extra data.',
        'The reason is required; a stage that has data to give yields it instead of skipping.',
      ),
      replaced(
        6,
        'A cancel carries a reason, empty by default, and extra data.',
        'The reason is required; what was finished is in the outputs of the cancelled run.',
      ),
      tested(7, 'A failure carries its error, and what the error brings along.'),
      replaced(
        8,
        'The message of a failure has an alias and a default text.',
        'fail() takes one error of any type, described in the message and kept as its cause.',
      ),
      tested(9, 'A wish to be called again carries its error and how long to wait.'),
      tested(10, 'Every way of making a stage accepts a version of its output, which is shown unchanged.'),
      replaced(
        11,
        'Tagging an output with a version copies it.',
        'The version belongs to the stage and appears in its report; the value is left alone.',
      ),
      replaced(
        12,
        'Setting a duration copies the output.',
        'Durations are measured by the run and appear in the report; the value is left alone.',
      ),
      tested(13, 'The members of what a stage is handed and of what it yields cannot be reassigned.'),
      replaced(
        14,
        'Artifacts and events get a timestamp, or keep theirs.',
        'Every event is stamped by the clock of the run; times of the host are part of the payload. Artifacts are values like any other.',
      ),
    ],
  },
  {
    title: 'What a stage knows',
    rows: [
      tested(15, 'A run has one start; the time since grows and starts near zero.'),
      tested(16, 'A stage knows the run id, the request id, the mode and when the run began.'),
      replaced(
        17,
        'The context has a map form with the snapshot and the stage.',
        'The identity is a plain record; stage, path and attempt stand beside it.',
      ),
      tested(18, 'An event that a stage emits reaches the sink once, with its own keys and those of the run.'),
      tested(19, 'Emitting without a sink does nothing.'),
      replaced(20, 'A stage can record that it started.', 'The run itself says so, once for every stage.'),
      tested(21, 'A stage that asks after a cancel is stopped with the reason that was given.'),
    ],
  },
  {
    title: 'Identity and the data of a run',
    rows: [
      replaced(
        22,
        'An empty snapshot has six null ids, no messages and no enrichments.',
        'There is no snapshot: members of the identity that were not given are undefined, and the run id always exists. Data comes as inputs.',
      ),
      tested(23, 'Members of the identity are read directly.'),
      tested(24, 'The identity cannot be reassigned.'),
      replaced(25, 'The map form of a snapshot renders ids, times, documents and memory.', plainRecords),
      replaced(26, 'Without enrichments the map form has null members.', plainRecords),
      replaced(
        27,
        'A snapshot survives being written to a map and read back.',
        'A store keeps what a run was given, and another process reads it back: identity and inputs, times as times.',
      ),
      replaced(
        28,
        'A snapshot can be rebuilt from its topology and mode alone.',
        'A run that was given nothing but its mode goes on in another process as it was.',
      ),
      replaced(
        29,
        'A typed extension is written with its type name and restored by a registry.',
        'A stage reads an extension through a schema: no registry, and a wrong value is refused.',
      ),
      replaced(30, 'An untyped extension is a plain map.', 'A plain map is read through a schema that accepts maps.'),
      replaced(
        31,
        'A snapshot has four ways to make a changed copy.',
        'There is no snapshot to change: a stage yields a new value, and the input stays as it was.',
      ),
      tested(32, 'The identity can be written as JSON and given to another run.'),
      tested(33, 'Text in any script and nested metadata arrive unchanged.'),
      replaced(34, 'Optional members of profile, memory, documents and messages have empty defaults.', plainRecords),
    ],
  },
  {
    title: 'The context of a run',
    rows: [
      replaced(
        35,
        'A context has defaults, the service name "pipeline" among them.',
        'Every run option may be left out; the service is undefined unless the host names itself.',
      ),
      tested(36, 'Metadata given to a run is equal to what the run has, and not the same object.'),
      tested(37, 'Each stage is reported once when it starts and once when it ends, under its own name.'),
      replaced(
        38,
        'Metadata of a stage can be set and read while it runs.',
        'Tags are part of the definition and of the plan; what is found at run time is an output or an event.',
      ),
      replaced(
        39,
        'The context has a map form; parent members are present for a child only.',
        'The identity and the result are read directly; the parent run id is undefined for a root.',
      ),
      tested(40, 'What the host provides reaches the stages that ask for it.'),
      replaced(
        41,
        'A fork is a new context under a parent, with the ids that tie them together.',
        'A subpipeline belongs to the run around it and has its ids; the path says where it stands.',
      ),
      tested(42, 'A fork keeps user, session, request and ports.'),
      replaced(43, 'A fork inherits the data it is told to.', 'A subpipeline is given its inputs by its needs; nothing is inherited.'),
      replaced(
        44,
        'A fork starts without artifacts and not cancelled.',
        'Nothing starts in a run that was cancelled, a subpipeline neither.',
      ),
      replaced(
        45,
        'Data of the parent can be read from a fork.',
        'A subpipeline reads what it was given as inputs, and nothing else of what is around it.',
      ),
      tested(46, 'Once the run is cancelled its signal says so, and asking it throws the reason.'),
      tested(47, 'The present time is read from the context.'),
      replaced(
        48,
        'An event emitted by the context of the run carries its topology and mode.',
        'Events of the host are emitted by stages and carry the name of the pipeline; the mode is in the identity.',
      ),
      replaced(
        49,
        'A pipeline context can be derived from a stage context.',
        'There is one context, that of the stage; nothing is to be converted.',
      ),
      replaced(50, 'The service is guessed from the name of the topology.', 'The host names itself, in the runtime or in the run.'),
      replaced(
        51,
        'Both kinds of context satisfy one contract.',
        'There is one kind: every constructor of stages hands its function the same context.',
      ),
    ],
  },
  {
    title: 'Inputs of a stage',
    rows: [
      replaced(
        52,
        'A key is searched in all outputs, first match in the order they were added.',
        'firstOf() reads the first of the named stages, in the order written, that has a value.',
      ),
      replaced(
        53,
        'A key of a named stage is read, or a default.',
        'A need has a name and a type; optional() gives undefined after a chosen skip, and the language has defaults.',
      ),
      tested(54, 'The whole output of a stage is the very value it yielded.'),
      replaced(55, 'A stage can ask whether another has an output.', 'settled() reads how another stage ended.'),
      tested(56, 'Reading a stage that was not declared is an error that names both and what exists.'),
      replaced(
        57,
        'Without strict mode undeclared stages can be read.',
        'There is no such mode: a stage receives what it declares and nothing else.',
      ),
      tested(58, 'Keys that are missing, empty or no strings are refused before anything runs.'),
      tested(59, 'The value of a declared need is read.'),
      tested(60, 'What a stage receives cannot be reassigned.'),
    ],
  },
  {
    title: 'Building',
    rows: [
      replaced(
        61,
        'A new pipeline is empty and has a default name.',
        'A pipeline is made whole, with a name of its own and at least one stage.',
      ),
      replaced(62, 'Adding a stage gives a new pipeline.', 'with() and configure() give new pipelines and leave the original as it was.'),
      tested(63, 'A stage has a kind; an unknown word for one is refused.'),
      tested(64, 'A plain asynchronous function is a stage.'),
      replaced(
        65,
        '"after" is another word for dependencies, and one may not give both.',
        '"needs" reads values, "after" orders; a stage may have both.',
      ),
      tested(66, 'Graphs can be written as data.'),
      replaced(
        67,
        'Adding a name again replaces the earlier stage.',
        'Two different stages of one name are an error; with() replaces on purpose.',
      ),
      replaced(
        68,
        'Options for the constructor of a stage are recorded for classes and refused for instances.',
        'Stages are functions, which close over what they need; configure() tunes their policies.',
      ),
      tested(69, 'Stages are listed with those they need first.'),
      tested(70, 'A stage can be looked up by name, and asked for.'),
      tested(71, 'Two pipelines compose into their union.'),
      tested(72, 'Composing pipelines that define one name differently is refused.'),
      tested(73, 'A pipeline without stages is refused.'),
      tested(74, 'A dependency that does not exist is refused.'),
      tested(75, 'A circle is refused, with its path.'),
      tested(76, 'Dependencies, conditions and kinds arrive in the plan.'),
      tested(77, 'Stages are immutable, and by default depend on nothing and always run.'),
      replaced(
        78,
        'Names may be very long, in any script, or empty; large pipelines work.',
        'An empty name is refused; long names, other scripts and large pipelines work.',
      ),
      replaced(
        79,
        'A run takes a context, or its members, or nothing, and not both.',
        'A run takes its inputs and its options, both typed; what nothing reads may be left out.',
      ),
      replaced(80, 'invoke("text") makes the text the input text.', 'Every input has a name.'),
      tested(81, 'One stage can be run by itself.'),
      tested(82, 'A stage that returns a plain map has completed with it.'),
      replaced(
        83,
        'Results can be looked up, required, and asked for failures.',
        'The status narrows the type of the outputs; reports, errors and counts are there at any status, and runOrThrow() insists.',
      ),
      replaced(
        84,
        'Options of the build reach the run.',
        'Options of pipeline() reach each of its runs, and those of run() stand above them.',
      ),
      replaced(
        85,
        'A guard retry that names an unknown stage is refused.',
        'What is drafted again is what reads the feedback: a reference, so that no name can be wrong.',
      ),
      replaced(
        86,
        'Interceptors given to the build are those used.',
        'Those of the runtime and of the run are used: a pipeline does not know where it runs.',
      ),
    ],
  },
  {
    title: 'Older builder and its helpers',
    rows: [
      tested(87, 'Missing dependencies and circles of two and three are refused when the pipeline is made.'),
      tested(88, 'Composing joins the names and accepts equal stages.'),
      tested(89, 'Empty and blank names, and a stage that needs itself, are refused.'),
      tested(90, 'A linear chain is made by count.'),
      tested(91, 'A parallel group shares its upstreams.'),
      tested(92, 'A fan-out and fan-in is made of splitter, workers and merger.'),
      tested(93, 'A conditional branch is made of router, handlers and merge.'),
      tested(94, 'The helpers go on from the last stage; a plain stage does not.'),
    ],
  },
  {
    title: 'Registering',
    rows: [
      replaced(
        95,
        'An unknown pipeline is refused, with a list of those that exist.',
        'It is refused with the nearest name; the list is runtime.pipelines.',
      ),
      replaced(
        96,
        'Registering a name again overwrites; names are listed once.',
        'Two different pipelines of one name are an error; the same one twice counts once.',
      ),
      replaced(
        97,
        'A hook registers pipelines when one is first asked for.',
        'There is no global registry: a runtime is made with its pipelines.',
      ),
    ],
  },
];
