// Three-step handlers with Restate's server, whose state is in FOLDER: RUNS of them at once, and one after another;
// prints one line of JSON.
import { spawn } from 'node:child_process';
import { createRequire } from 'node:module';
import { performance } from 'node:perf_hooks';

// The SDK wants a newer Node than Debian has.
Promise.withResolvers ??= function withResolvers() {
  const made = {};
  made.promise = new this((resolve, reject) => Object.assign(made, { resolve, reject }));
  return made;
};

process.env.RESTATE_LOGGING = 'ERROR';
const [runs, folder] = [Number(process.argv[2]), process.argv[3]];
const require = createRequire(`${process.env.PEERS}/`);
const restate = require('@restatedev/restate-sdk');

const [ingress, admin, service] = [18080, 19070, 19080];
let done = 0;
const ends = [];
const step = () => {
  const begun = performance.now();
  const answer = `answer ${done}`;
  ends.push([begun, performance.now()]);
  return answer;
};
const three = restate.service({
  name: 'three',
  handlers: {
    run: async (context) => {
      await context.run('one', step);
      await context.run('two', step);
      await context.run('three', step);
      done += 1;
      return 'done';
    },
  },
});
restate.endpoint().bind(three).listen(service);

const environment = {
  ...process.env,
  RESTATE_BASE_DIR: folder,
  RESTATE_INGRESS__BIND_ADDRESS: `127.0.0.1:${ingress}`,
  RESTATE_ADMIN__BIND_ADDRESS: `127.0.0.1:${admin}`,
  RESTATE_BIND_ADDRESS: '127.0.0.1:15122',
  RESTATE_LOG_FILTER: 'error',
  DO_NOT_TRACK: '1',
};
const server = spawn(`${process.env.PEERS}/node_modules/.bin/restate-server`, [], { env: environment, stdio: 'ignore', detached: true });
const stop = (code) => {
  try { process.kill(-server.pid, 'SIGKILL'); } catch { /* it ended */ }
  process.exit(code);
};
process.on('uncaughtException', (error) => { console.error(error); stop(1); });

const post = async (url, body) => {
  const answer = await fetch(url, { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body), signal: AbortSignal.timeout(20_000) });
  await answer.arrayBuffer();
  return answer;
};
const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
const eventually = async (what) => {
  for (let tries = 0; tries < 300; tries += 1) {
    try { if (await what()) return; } catch { /* not yet */ }
    await sleep(200);
  }
  throw new Error('the server does not come up');
};
await eventually(async () => (await post(`http://127.0.0.1:${admin}/deployments`, { uri: `http://127.0.0.1:${service}` })).ok);
await eventually(async () => (await post(`http://127.0.0.1:${ingress}/three/run`, {})).ok);

ends.length = 0;
for (let number = 0; number < 30; number += 1) await post(`http://127.0.0.1:${ingress}/three/run`, {});
const gaps = ends.slice(1).map((after, place) => after[0] - ends[place][1]).filter((_, place) => place % 3 !== 2).sort((a, b) => a - b);

done = 0;
const began = performance.now();
let sent = 0;
const sender = async () => {
  while (sent < runs) {
    sent += 1;
    const answer = await post(`http://127.0.0.1:${ingress}/three/run/send`, {});
    if (!answer.ok) throw new Error(`the ingress said ${answer.status}`);
  }
};
await Promise.all(Array.from({ length: 32 }, sender));
while (done < runs) await sleep(5);
const seconds = (performance.now() - began) / 1000;
console.log(JSON.stringify({ runs, seconds, gap_ms: gaps[Math.floor(gaps.length / 2)] }));
stop(0);
