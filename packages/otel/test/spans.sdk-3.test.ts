import { startSdk, trace } from '@stageflow-internal/otel-sdk-3';
import { describe } from 'vitest';
import { spansSuite } from './spans.suite.ts';

describe('with the 3.x line of the SDK', () => spansSuite({ startSdk, trace }));
