import { replaced, type Section, tested } from '../row.ts';

/** Cases of authentication and of sinks, from the packages around the core. */
export const packageSections: readonly Section[] = [
  {
    title: 'Authentication and tenants',
    rows: [
      tested('M109', 'A valid token makes somebody the caller of the run, with one login event.'),
      tested('M110', 'Without a token the run is stopped, and an event says so.'),
      tested('M111', 'A token that is over, wrong or without claims stops the run, and an event says why.'),
      replaced(
        'M112',
        'Authentication runs first by its priority, the check of the organisation second.',
        'There are no priorities: the place in the list decides.',
      ),
      tested('M113', 'What belongs to nobody or to the own organisation may be touched; anything else is denied, with an event.'),
      tested('M114', 'The check of the organisation, without anybody authenticated, stops the run.'),
      tested('M115', 'The identity is immutable, and printing it masks the e-mail address.'),
      replaced(
        'M116',
        'Roles and features are compared exactly; an admin is who has one of two roles.',
        'The roles that make an admin are named where they are asked for: requireRole(...).',
      ),
      tested('M117', 'Errors of authentication keep their code and what they are about, and have a base type.'),
      tested('M118', 'What is denied has failed, and is never a success with nothing in it.'),
      tested('M119', 'A validator that crashes denies the run as unavailable.'),
      tested('M120', 'Somebody without an organisation may not touch that of one.'),
      tested('M121', 'A run of five stages is validated once, with one login event.'),
      tested('M122', 'The token itself is not visible to stages, events, or what is written down of the run.'),
      tested('M123', 'Without a validator nothing is accepted: it cannot be made.'),
      tested('M124', 'The same organisation and what is shared may be touched; another is an error with both.'),
      tested('M125', 'Strict isolation throws, lenient isolation writes it down; tenants that were seen are listed.'),
      replaced(
        'M126',
        'A context that is made of a snapshot has its organisation.',
        'A run that goes on is bound anew, to a credential of the same user or by a rule of the host.',
      ),
      replaced(
        'M127',
        'An ambient tenant can be set, read and required.',
        'Nothing is ambient: authOf(context) and the identity of the run say whose it is.',
      ),
      tested('M128', 'Many pipelines at once for different organisations each see only their own.'),
      tested('M129', 'Ids compare by value whatever their representation.'),
    ],
  },
  {
    title: 'Exporters and sinks',
    rows: [
      tested('M173', 'A file has one line of JSON for each event, and their number is known.'),
      tested('M174', 'Below the size of a batch nothing is sent, at it one batch, and closing sends the rest.'),
      tested('M175', 'Before a destination that is stuck the oldest events are dropped and counted, and a callback is told.'),
      tested('M176', 'The high mark is told once, and again after the buffer has drained.'),
      tested('M177', 'A callback that throws never breaks exporting.'),
      replaced('M178', 'A composite exporter gives each event to each of its children.', 'A runtime has a list of sinks.'),
      tested('M179', 'Sinks choose by what they include and exclude; stage, run and duration are fields.'),
      tested('M180', 'An export that fails once is repeated or counted as dropped, and the timer goes on.'),
      replaced('M182', 'A sink for tests records events, and filters them.', 'recordingSink() of @stageflow/testing.'),
    ],
  },
];
