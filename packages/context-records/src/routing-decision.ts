/** Who was chosen to answer, and why. */
export interface RoutingDecision {
  /** The arm, agent or team that was chosen. */
  readonly route: string;
  /** The pipeline that answers, where it is another one. */
  readonly pipeline?: string | undefined;
  /** How sure the router was, in [0, 1]. */
  readonly confidence?: number | undefined;
  readonly reason?: string | undefined;
}
