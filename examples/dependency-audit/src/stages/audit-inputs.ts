import { inputs } from '@stageflow/core';
import { PolicyFile } from '../policy.ts';

/** What an audit is given. The text of the policy is parsed and checked by its contract before anything runs. */
export const { nodeModules, measureSizes } = inputs<{
  /** The path of a node_modules folder. */
  nodeModules: string;
  /** Measuring reads every file; a very large tree can be audited without. */
  measureSizes: boolean;
}>();

/** The text of a policy file; stages read the policy in it. */
export const { policy } = inputs({ policy: PolicyFile });
