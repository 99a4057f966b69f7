/**
 * A source of numbers in [0, 1) that gives the same sequence for the same seed: the `random` of a run or of a runtime.
 *
 * The generator is sfc32 (C. Doty-Humphrey, "Small Fast Counting", PractRand 0.95), seeded as there with 64 bits: those
 * of FNV-1a (64 bits) over the seed's text. Good for tests, useless for secrets.
 *
 * @example
 * ```ts
 * const run = await chat.run({ text: 'hi' }, { random: seededRandom(7) });
 * ```
 */
export function seededRandom(seed: number | string): () => number {
  const next = sfc32(fnv1a(String(seed)));
  return () => next() / 2 ** 32;
}

/** Unsigned 32-bit numbers. */
export function sfc32(seed: bigint): () => number {
  let a = 0;
  let b = Number(seed & 0xffff_ffffn) | 0;
  let c = Number((seed >> 32n) & 0xffff_ffffn) | 0;
  let counter = 1;
  const next = (): number => {
    const result = (((a + b) | 0) + counter) | 0;
    counter = (counter + 1) | 0;
    a = b ^ (b >>> 9);
    b = (c + (c << 3)) | 0;
    c = (((c << 21) | (c >>> 11)) + result) | 0;
    return result >>> 0;
  };
  for (let warmUp = 0; warmUp < 12; warmUp++) next();
  return next;
}

/** FNV-1a, 64 bits, over the UTF-8 bytes of `text` (Fowler, Noll, Vo; RFC 9923). */
export function fnv1a(text: string): bigint {
  let hash = 0xcbf2_9ce4_8422_2325n;
  for (const byte of new TextEncoder().encode(text)) hash = BigInt.asUintN(64, (hash ^ BigInt(byte)) * 0x0100_0000_01b3n);
  return hash;
}
