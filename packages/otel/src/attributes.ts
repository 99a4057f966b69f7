/**
 * The release of the OpenTelemetry GenAI semantic conventions that names of `gen_ai.*` are taken from. They are in
 * development: since 1.42 they are kept apart from the other conventions, without a release so far.
 */
export const genAiConventions = '1.42.0-dev';

/** The names of attributes. Whatever this package writes is named here. */
export const attribute = {
  pipeline: 'stageflow.pipeline',
  runId: 'stageflow.run_id',
  parentRunId: 'stageflow.parent_run_id',
  tenantId: 'stageflow.tenant_id',
  correlationId: 'stageflow.correlation_id',
  stage: 'stageflow.stage',
  path: 'stageflow.path',
  kind: 'stageflow.kind',
  attempt: 'stageflow.attempt',
  attempts: 'stageflow.attempts',
  status: 'stageflow.status',
  rootCause: 'stageflow.root_cause',
  retryInMs: 'stageflow.retry_in_ms',
  wait: 'stageflow.wait',
  sink: 'stageflow.sink',
  breaker: 'stageflow.breaker',
  sessionId: 'session.id',
  errorType: 'error.type',
  exceptionType: 'exception.type',
  operation: 'gen_ai.operation.name',
  workflow: 'gen_ai.workflow.name',
  agent: 'gen_ai.agent.name',
  tool: 'gen_ai.tool.name',
  toolType: 'gen_ai.tool.type',
  provider: 'gen_ai.provider.name',
  model: 'gen_ai.request.model',
  responseModel: 'gen_ai.response.model',
  responseId: 'gen_ai.response.id',
  finishReasons: 'gen_ai.response.finish_reasons',
  inputTokens: 'gen_ai.usage.input_tokens',
  outputTokens: 'gen_ai.usage.output_tokens',
  cachedInputTokens: 'gen_ai.usage.cache_read.input_tokens',
} as const;

/** The names of metrics. */
export const metric = {
  runDuration: 'stageflow.run.duration',
  activeRuns: 'stageflow.run.active',
  stageDuration: 'stageflow.stage.duration',
  queueTime: 'stageflow.stage.queue_time',
  retries: 'stageflow.stage.retries',
  breakerState: 'stageflow.breaker.state',
  droppedEvents: 'stageflow.sink.dropped',
  failedEvents: 'stageflow.sink.failed',
} as const;
