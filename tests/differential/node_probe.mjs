// SPDX-License-Identifier: Apache-2.0
// What Node's http server reads of bytes; as request_probe.c, which see.
import http from 'node:http';
import { Duplex } from 'node:stream';

function probe(bytes) {
  return new Promise((resolve) => {
    const told = { requests: [], end: 'whole', error: null };
    const server = http.createServer({ insecureHTTPParser: false,
                                       keepAliveTimeout: 0 });
    const held = [];
    const serve = (request, answer) => {
      const entry = { method: request.method, target: request.url,
                      version: request.httpVersion, fields: {}, body: '',
                      whole: false };
      const raw = request.rawHeaders;
      for (let i = 0; i < raw.length; i += 2) {
        const name = raw[i].toLowerCase();
        (Object.hasOwn(entry.fields, name) ? entry.fields[name]
          : (entry.fields[name] = [])).push(raw[i + 1]);
      }
      told.requests.push(entry);
      request.on('data', (piece) => {
        entry.body += piece.toString('latin1');
      });
      held.push(() => { entry.whole = request.complete; });
      if (answer) answer.end('ok');
    };
    server.on('request', serve);
    server.on('checkContinue', serve);
    server.on('checkExpectation', (request, answer) => {
      told.end = 'refused';
      told.error = 'expectation';
      answer.writeHead(417).end();
    });
    const done = () => {
      held.forEach((look) => look());
      resolve(told);
    };
    server.on('clientError', (error, socket) => {
      if (told.end === 'whole')
        told.end = error.code === 'HPE_INVALID_EOF_STATE' ? 'partial'
          : 'refused';
      told.error = error.code;
      // Bodies that it has read are on their way yet.
      setImmediate(() => setImmediate(() => socket.destroy()));
    });
    let output = '';
    const link = new Duplex({
      read() {},
      write(piece, encoding, next) {
        output += piece.toString('latin1');
        next();
      },
    });
    link.on('close', () => {
      // What the server refuses by itself, above its parser: no Host.
      if (/^HTTP\/1\.1 4/m.test(output) && told.end === 'whole')
        told.end = 'refused';
      done();
    });
    link.on('error', () => {});
    server.emit('connection', link);
    link.push(bytes);
    link.push(null);
    setTimeout(() => link.destroy(), 200).unref();
  });
}

const input = [];
for await (const piece of process.stdin) input.push(piece);
const all = Buffer.concat(input);
for (let at = 0; at < all.length;) {
  const size = all.readUInt32LE(at);
  const told = await probe(Buffer.from(all.subarray(at + 4, at + 4 + size)));
  process.stdout.write(JSON.stringify(told) + '\n');
  at += 4 + size;
}
