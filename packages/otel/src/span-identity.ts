import type { Attributes } from '@opentelemetry/api';
import type { InterceptedRun, InterceptedStage } from '@stageflow/core';
import { attribute } from './attributes.ts';

/** What a span is called, and what is known of it when it starts. */
export interface SpanIdentity {
  readonly name: string;
  readonly attributes: Attributes;
}

/** A run is a workflow to the GenAI conventions. */
export function identityOfRun({ identity, pipeline }: InterceptedRun): SpanIdentity {
  const { runId, parentRunId, tenantId, correlationId, sessionId } = identity;
  const attributes: Attributes = {
    [attribute.operation]: 'invoke_workflow',
    [attribute.workflow]: pipeline,
    [attribute.pipeline]: pipeline,
    [attribute.runId]: runId,
  };
  if (parentRunId !== undefined) attributes[attribute.parentRunId] = parentRunId;
  if (tenantId !== undefined) attributes[attribute.tenantId] = tenantId;
  if (correlationId !== undefined) attributes[attribute.correlationId] = correlationId;
  if (sessionId !== undefined) attributes[attribute.sessionId] = sessionId;
  return { name: `invoke_workflow ${pipeline}`, attributes };
}

/** A stage tagged `tool` is a tool to the GenAI conventions, one of the kind `agent` is an agent. */
export function identityOfStage({ stage, path, kind, tags, pipeline }: InterceptedStage): SpanIdentity {
  const attributes: Attributes = {
    [attribute.pipeline]: pipeline,
    [attribute.stage]: stage,
    [attribute.path]: path,
    [attribute.kind]: kind,
  };
  if (tags.includes('tool')) {
    attributes[attribute.operation] = 'execute_tool';
    attributes[attribute.tool] = stage;
    attributes[attribute.toolType] = 'function';
    return { name: `execute_tool ${stage}`, attributes };
  }
  if (kind === 'agent') {
    attributes[attribute.operation] = 'invoke_agent';
    attributes[attribute.agent] = stage;
    return { name: `invoke_agent ${stage}`, attributes };
  }
  return { name: `${kind} ${stage}`, attributes };
}

/** One call of the function of a stage. */
export function identityOfAttempt({ stage, path, attempt }: InterceptedStage): SpanIdentity {
  return {
    name: `attempt ${stage}`,
    attributes: { [attribute.stage]: stage, [attribute.path]: path, [attribute.attempt]: attempt },
  };
}
