/** Where stages read the configuration of the host. */
export interface ConfigProvider {
  /** The value under `key`, or `undefined` where there is none. Does not throw for an unknown key. */
  get(key: string): unknown;
}
