// Loaded before the program, `node --import`, in tests: notes each manifest that is read in the file named by TRACE_FILE, and kills
// the process, as the system would, in place of the one that TRACE_KILL_AT counts.
import { appendFileSync, promises } from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';

const { TRACE_FILE = '', TRACE_KILL_AT = '0' } = process.env;
const { readFile } = promises;
let count = 0;

promises.readFile = ((file: string, ...rest: []) => {
  if (file.endsWith('package.json')) {
    count += 1;
    if (count === Number(TRACE_KILL_AT)) process.kill(process.pid, 'SIGKILL');
    appendFileSync(TRACE_FILE, `${file}\n`);
  }
  return readFile(file, ...rest);
}) as typeof readFile;
syncBuiltinESMExports();
