import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

/** A desk that runs in a process of its own. */
export interface DeskProcess {
  readonly url: string;
  /** Sends it a signal, and resolves to the signal or the code that it ended with. */
  end(signal: 'SIGTERM' | 'SIGKILL'): Promise<string | number>;
}

/** Starts `serve.ts` on a free port, and waits until it takes requests. It ends with this process, at the latest. */
export async function startDesk(file: string): Promise<DeskProcess> {
  const program = fileURLToPath(new URL('serve.ts', import.meta.url));
  const child = spawn(process.execPath, ['--no-warnings', '--conditions=@stageflow/source', program, file, '0'], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  process.once('exit', () => child.kill('SIGKILL'));
  const ended = once(child, 'exit') as Promise<[number | null, NodeJS.Signals | null]>;
  const first = once(createInterface(child.stdout), 'line') as Promise<[string]>;
  const [url] = await Promise.race([first, ended]);
  if (typeof url !== 'string') throw new Error(`The desk ended with ${url} before it took requests.`);
  return {
    url,
    async end(signal) {
      child.kill(signal);
      const [code, by] = await ended;
      return by ?? code ?? 0;
    },
  };
}
