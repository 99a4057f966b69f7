// A settlement that is kept in the file it is given, in a process that is killed.
import { settle, settleArguments } from '../settle.ts';
import { sqlitePlace } from '../sqlite-place.ts';

const given = settleArguments();
await settle(sqlitePlace(given.target, given), given);
