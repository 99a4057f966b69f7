import { consoleSink } from '@stageflow/interceptors/sinks';
import { createService } from './service.ts';

const prices = new Map([
  ['pen', 2],
  ['lamp', 40],
]);
const catalog = {
  async priceOf(product: string) {
    const price = prices.get(product);
    if (price === undefined) throw new Error(`there is no ${product}`);
    return price;
  },
};

// The sink prints the trace of each request.
const { server, close } = createService({ catalog, sinks: [consoleSink()] });
const port = Number(process.env['PORT'] ?? 3000);

server.listen(port, '127.0.0.1', () => {
  const address = server.address();
  console.log(`listening on http://127.0.0.1:${typeof address === 'object' ? address?.port : port}`);
});
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => void close());
