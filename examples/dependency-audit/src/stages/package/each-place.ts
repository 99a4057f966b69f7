import type { Local } from '@stageflow/core';
import type { Place } from '../../node-modules/installed-package.ts';

/** The item of the map over packages: what the stages of one package read. */
export type EachPlace = Local<'packages', Place>;
