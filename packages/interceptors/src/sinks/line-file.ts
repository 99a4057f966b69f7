import { closeSync, fstatSync, fsyncSync, ftruncateSync, mkdirSync, openSync, readSync, renameSync, rmSync, writeSync } from 'node:fs';
import { dirname } from 'node:path';

/** What a {@link LineFile} is made with. */
export interface LineFileOptions {
  readonly path: string;
  /** Where the file would grow beyond, another one is begun. */
  readonly maxBytes: number;
  /** How many full files are kept. */
  readonly maxFiles: number;
}

/**
 * Appends lines to a file: all of what it is given or, where it throws, nothing. What it has returned for lies with the
 * operating system, and so survives the process.
 */
export class LineFile {
  readonly #path: string;
  readonly #maxBytes: number;
  readonly #maxFiles: number;
  #descriptor: number | undefined;
  #size = 0;
  /** The file ends within a line. */
  #isTorn = false;

  constructor({ path, maxBytes, maxFiles }: LineFileOptions) {
    this.#path = path;
    this.#maxBytes = maxBytes;
    this.#maxFiles = maxFiles;
  }

  /** @throws What `node:fs` throws. */
  open(): number {
    if (this.#descriptor !== undefined) return this.#descriptor;
    mkdirSync(dirname(this.#path), { recursive: true });
    const descriptor = openSync(this.#path, 'a+');
    this.#size = fstatSync(descriptor).size;
    const last = Buffer.alloc(1);
    this.#isTorn = this.#size > 0 && readSync(descriptor, last, 0, 1, this.#size - 1) === 1 && last[0] !== lineFeed;
    this.#descriptor = descriptor;
    return descriptor;
  }

  /**
   * @param lines - Each with its line feed.
   * @throws What `node:fs` throws.
   */
  append(lines: string): void {
    let descriptor = this.open();
    let bytes = Buffer.from(this.#isTorn ? `\n${lines}` : lines);
    if (this.#size > 0 && this.#size + bytes.length > this.#maxBytes) {
      this.#rotate();
      descriptor = this.open();
      bytes = Buffer.from(lines);
    }
    let written = 0;
    try {
      while (written < bytes.length) written += writeSync(descriptor, bytes, written);
    } catch (error) {
      this.#takeBack(descriptor, written);
      throw error;
    }
    this.#size += written;
    this.#isTorn = false;
  }

  /** Puts everything on the disk and lets go of the file, which the next line opens again. @throws What `node:fs` throws. */
  close(): void {
    const descriptor = this.#descriptor;
    if (descriptor === undefined) return;
    this.#descriptor = undefined;
    try {
      fsyncSync(descriptor);
    } finally {
      closeSync(descriptor);
    }
  }

  /** `file` becomes `file.1`, that `file.2`, and what is too old goes. */
  #rotate(): void {
    this.close();
    if (this.#maxFiles === 0) return rmSync(this.#path, { force: true });
    for (let number = this.#maxFiles - 1; number >= 1; number--) renameIfThere(`${this.#path}.${number}`, `${this.#path}.${number + 1}`);
    renameIfThere(this.#path, `${this.#path}.1`);
  }

  /** Half a line helps nobody. It stays where another process has written behind it, which it should not. */
  #takeBack(descriptor: number, written: number): void {
    if (written === 0) return;
    try {
      if (fstatSync(descriptor).size !== this.#size + written) throw new Error('another writer');
      ftruncateSync(descriptor, this.#size);
    } catch {
      this.#size += written;
      this.#isTorn = true;
    }
  }
}

const lineFeed = 10;

function renameIfThere(from: string, to: string): void {
  try {
    renameSync(from, to);
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'ENOENT')) throw error;
  }
}
