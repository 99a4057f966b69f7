import type { StoredWait } from '../ports/run-store.ts';
import type { OpenWait } from '../run.ts';
import { decode } from './codec.ts';

/** An open wait as a run reports it. */
export function openWait({
  waitId,
  path,
  type,
  request,
  openedAt,
  expiresAt,
  runId,
  pipeline,
  mayDecide,
  quorum = 1,
  votes = [],
}: StoredWait): OpenWait {
  const asked = request === undefined ? undefined : decode(request);
  const answers = votes.map(({ by, answer, at }) => ({ by, answer: decode(answer), at }));
  return { waitId, runId, pipeline, path, type, request: asked, openedAt, expiresAt, mayDecide, quorum, votes: answers };
}
