// A settlement that is kept on the server it is given, in a process that is killed.
import { postgresPlace } from '../postgres-place.ts';
import { settle, settleArguments } from '../settle.ts';

const given = settleArguments();
await settle(postgresPlace(given.target, given.isSlow, given), given);
