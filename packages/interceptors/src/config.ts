export { type EnvConfigOptions, envConfig } from './config/env-config.ts';
