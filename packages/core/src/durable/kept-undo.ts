import type { Effect } from '../execution/effects.ts';
import type { UndoJournal } from '../execution/journal.ts';
import type { Stop } from '../execution/stop.ts';
import type { Plan } from '../plan/plan.ts';
import type { JournalRecord } from '../ports/run-store.ts';
import type { EffectResult } from '../undo.ts';
import { stageAt } from './changed-paths.ts';
import { decode, type Encoded, encode } from './codec.ts';
import { plainError, revivedError } from './error-json.ts';
import { isOfStage, undoPath } from './run-records.ts';

/** What a journal keeps of the undoing of its run. */
export class KeptUndo implements UndoJournal {
  readonly ending: Stop | undefined;
  readonly effects: readonly Effect[];
  readonly #plan: Plan;
  readonly #records: readonly JournalRecord[];
  readonly #append: (record: JournalRecord) => Promise<void>;
  readonly #now: () => number;

  /** @param append - Resolves when the record is durable. */
  constructor(plan: Plan, records: readonly JournalRecord[], append: (record: JournalRecord) => Promise<void>, now: () => number) {
    this.#plan = plan;
    this.#records = records;
    this.#append = append;
    this.#now = now;
    const begun = records.find(({ path }) => path === undoPath);
    this.ending = begun && endingOf(begun);
    this.effects = this.#earlier();
  }

  #earlier(): readonly Effect[] {
    const made = new Map<string, Effect>();
    for (const { path, status, values, output, mayBeMade } of this.#records.filter(isOfStage)) {
      const known = made.get(path);
      if (status === 'intent' && values !== undefined) made.set(path, this.#effect(path, values as Encoded, { status: 'unknown' }));
      else if (known === undefined || mayBeMade === true) continue;
      else {
        made.delete(path);
        const result: EffectResult = { status: 'completed', output: output === undefined ? undefined : decode(output) };
        if (status === 'completed') made.set(path, { ...known, result });
      }
    }
    return [...made.values()];
  }

  #effect(path: string, values: Encoded, result: EffectResult): Effect {
    const found = stageAt(this.#plan, path);
    const stage = found === 'called' ? undefined : found?.stage;
    const name = path.slice(path.lastIndexOf('/') + 1);
    return { path, name, stage, values: decode(values) as Effect['values'], result };
  }

  async begin({ status, reason, stage, error }: Stop): Promise<void> {
    if (this.ending !== undefined) return;
    const said = encode({ status, reason, stage }) as { readonly text: Encoded };
    await this.#append({ ...this.#base(undoPath, 0), status: 'intent', output: said.text, error: error && plainError(error) });
  }

  undone(path: string): ReturnType<UndoJournal['undone']> {
    const record = this.#records.find((known) => known.path === `${undoPath}/${path}`);
    return record && { error: record.error && revivedError(record.error) };
  }

  async end(path: string, attempts: number, error: Parameters<UndoJournal['end']>[2]): Promise<void> {
    const status = error === undefined ? 'completed' : 'failed';
    await this.#append({ ...this.#base(`${undoPath}/${path}`, attempts), status, error: error && plainError(error) });
  }

  #base(path: string, attempts: number): Pick<JournalRecord, 'path' | 'attempts' | 'fingerprint' | 'at'> {
    return { path, attempts, fingerprint: '', at: this.#now() };
  }
}

function endingOf({ output, error }: JournalRecord): Stop {
  const said = decode(output as Encoded) as Pick<Stop, 'status' | 'reason' | 'stage'>;
  const revived = error && revivedError(error);
  return { ...said, error: revived, signalReason: revived ?? said.reason };
}
