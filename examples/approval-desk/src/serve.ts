// The desk as a program, until it is told to end: serve.ts [file] [port].
import { openDesk } from './desk.ts';

const [file = 'desk.sqlite', port = '0'] = process.argv.slice(2);
const desk = await openDesk(file, Number(port));
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => void desk.close());
console.log(desk.url);
