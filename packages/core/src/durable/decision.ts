import { StageflowError } from '../errors.ts';
import type { RunStore, StoredWait, Vote, VoteResult } from '../ports/run-store.ts';
import { decode, type Encoded } from './codec.ts';

/** Who answers a wait. That it is really them is for the host to know. */
export interface Decider {
  readonly id: string;
  /** Names that `mayDecide` may hold in place of the id. @default none */
  readonly roles?: readonly string[] | undefined;
}

/** @throws SF_DECISION_REFUSED where this is not for them to decide, or they have decided already. */
function checkDecider({ waitId, mayDecide, quorum = 1, votes = [] }: StoredWait, by: Decider | undefined): void {
  const refuse = (why: string): never => {
    throw new StageflowError('SF_DECISION_REFUSED', { waitId, by: by?.id, why });
  };
  if (by === undefined) {
    if (mayDecide !== undefined) refuse('it says who may decide');
    if (quorum > 1) refuse(`it asks ${quorum} people`);
    return;
  }
  const names = [by.id, ...(by.roles ?? [])];
  if (mayDecide !== undefined && !names.some((name) => mayDecide.includes(name))) refuse(`it is for ${mayDecide.join(', ')} to decide`);
  if (votes.some((vote) => vote.by === by.id)) refuse('their answer is in already');
}

/**
 * The answer that the votes for a wait come to with one more; `undefined` while they are too few. One no to a review is a no:
 * else as many people as the wait asks for have to say the same.
 */
function outcomeOfVotes({ type, quorum = 1, votes = [] }: StoredWait, vote: Vote): Encoded | undefined {
  if (type === 'review' && !isApproval(vote.answer)) return vote.answer;
  const isSame = (other: Vote): boolean => (type === 'review' ? isApproval(other.answer) : inOrder(other.answer) === inOrder(vote.answer));
  return votes.filter(isSame).length + 1 >= quorum ? vote.answer : undefined;
}

function isApproval(answer: Encoded): boolean {
  const decision = decode(answer) as { readonly approved?: unknown } | null | undefined;
  return decision?.approved === true;
}

/** An answer with the members of its objects in one order: clients write them in any. */
function inOrder(answer: Encoded): string {
  return JSON.stringify(JSON.parse(answer), (_, value: unknown) =>
    typeof value === 'object' && value !== null && !Array.isArray(value)
      ? Object.fromEntries(Object.entries(value).sort(([left], [right]) => (left < right ? -1 : 1)))
      : value,
  );
}

/** One decision of one person. */
export interface Decision {
  readonly waitId: string;
  readonly answer: Encoded;
  readonly tenantId: string | undefined;
  readonly by: Decider | undefined;
  /** Epoch milliseconds. */
  readonly at: number;
}

/**
 * Has a store answer a wait, or keep a vote for it.
 *
 * @returns The answer of the wait; `undefined` where more people have to say the same.
 * @throws SF_WAIT_CLOSED, SF_DECISION_REFUSED, SF_RUNTIME_REQUIRED, and what the store rejects with.
 */
export async function decide(store: RunStore, decision: Decision): Promise<Encoded | undefined> {
  const { waitId, answer, tenantId, by, at } = decision;
  for (;;) {
    const [wait] = await store.waits({ waitId, tenantId });
    if (wait === undefined) throw new StageflowError('SF_WAIT_CLOSED', { waitId, why: await whyClosed(store, waitId, tenantId) });
    checkDecider(wait, by);
    const vote = by && { by: by.id, answer, at };
    const outcome = vote === undefined ? answer : outcomeOfVotes(wait, vote);
    const result = await toldStore(store, wait, vote, outcome, answer, tenantId);
    if (result === 'kept') return undefined;
    if (result === 'answered') return outcome;
    // Where somebody else voted meanwhile, it is looked at anew.
    if (result !== 'changed') throw new StageflowError('SF_WAIT_CLOSED', { waitId, why: closedWords[result] });
  }
}

const closedWords = { 'already answered': 'it has been answered', withdrawn: 'its run has ended', unknown: 'there is no such wait' };

async function toldStore(
  store: RunStore,
  { waitId, quorum = 1, votes = [] }: StoredWait,
  vote: Vote | undefined,
  outcome: Encoded | undefined,
  answer: Encoded,
  tenantId: string | undefined,
): Promise<VoteResult> {
  if (vote !== undefined && store.vote !== undefined) {
    const request = { vote, after: votes.length, ...(outcome === undefined ? {} : { answer: outcome }) };
    return store.vote(waitId, request, tenantId);
  }
  if (quorum > 1) throw new StageflowError('SF_RUNTIME_REQUIRED', { verb: 'decide()', feature: 'a store that counts votes' });
  return store.answer(waitId, answer, tenantId);
}

/** Open waits are found by their id; of any other the run is asked, which the id begins with. */
async function whyClosed(store: RunStore, waitId: string, tenantId: string | undefined): Promise<string> {
  const stored = await store.load(runIdOf(waitId), tenantId);
  const known = stored?.waits.find((wait) => wait.waitId === waitId);
  return closedWords[known?.status === 'answered' ? 'already answered' : known === undefined ? 'unknown' : 'withdrawn'];
}

function runIdOf(waitId: string): string {
  const [runId = ''] = waitId.split('/', 1);
  try {
    return decodeURIComponent(runId);
  } catch {
    return runId;
  }
}
