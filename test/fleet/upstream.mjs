/** What the fleet calls: well or ill as it is told, and writes a line for each call that reached it. */
import { openSync, writeSync } from 'node:fs';
import { createServer } from 'node:http';

const ledger = openSync(process.env.LEDGER, 'a');
let mode = { isWell: true, takesMs: 5 };

const server = createServer((request, response) => {
  const { searchParams } = new URL(request.url, 'http://upstream');
  const { isWell, takesMs } = mode;
  const line = { what: 'arrival', by: searchParams.get('by'), from: Number(searchParams.get('at')), isWell };
  writeSync(ledger, `${JSON.stringify(line)}\n`);
  setTimeout(() => response.writeHead(isWell ? 200 : 503).end('answer'), takesMs);
});
server.keepAliveTimeout = 60_000;
server.listen(0, '127.0.0.1', () => process.send({ url: `http://127.0.0.1:${server.address().port}` }));
process.on('message', (next) => {
  mode = next;
  process.send('changed');
});
process.on('disconnect', () => process.exit());
