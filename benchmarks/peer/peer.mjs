// The benchmark's peer: BullMQ delayed job -> worker reads post and account in PostgreSQL, POSTs, marks PUBLISHED.
// usage: node peer.mjs pending|burst|spread N [--processes=1] [--concurrency=50] [--span=20000]
// Reads REDIS_PORT, PG_URL and SINK; prints one JSON line, times in ms unless named _s.
import { fork } from 'node:child_process';
import { parseArgs } from 'node:util';
import { Queue } from 'bullmq';
import { Redis } from 'ioredis';
import { accept } from './accept.mjs';
import { connect } from './connections.mjs';
import { createTables } from './tables.mjs';

const MONTH = 30 * 24 * 3600 * 1000;
const { positionals, values } = parseArgs({
  allowPositionals: true,
  options: {
    processes: { type: 'string', default: '1' },
    concurrency: { type: 'string', default: '50' },
    span: { type: 'string', default: '20000' },
  },
});
const [mode, total] = [positionals[0], Number(positionals[1])];
const { db, connection } = connect();
const queue = new Queue('peer' + Date.now(), {
  connection,
  defaultJobOptions: {
    attempts: 3,
    backoff: { type: 'exponential', delay: 5000 },
    removeOnComplete: { count: 1000 },
    removeOnFail: { count: 5000 },
  },
});

const instants = (start, span) =>
  Array.from({ length: total }, () => start + Math.floor(Math.random() * span)).sort((a, b) => a - b);

function startWorker(onReports) {
  const child = fork(new URL('./worker.mjs', import.meta.url), [queue.name, values.concurrency]);
  child.on('message', onReports);
  return new Promise((ready) => child.once('message', () => ready(child)));
}

function percentiles(late) {
  const sorted = late.toSorted((a, b) => a - b);
  const at = (part) => Number(sorted[Math.min(total - 1, Math.floor(total * part))].toFixed(2));
  return { p50: at(0.5), p99: at(0.99), max: at(1) };
}

async function publishAll(span) {
  const reports = [];
  let done;
  const finished = new Promise((resolve) => (done = resolve));
  const collect = (some) => reports.push(...some) >= total && done();
  await Promise.all(Array.from({ length: Number(values.processes) }, () => startWorker(collect)));
  const start = Date.now() + 5000 + total / 2;
  const rate = await accept(queue, db, instants(start, span));
  await finished;
  return {
    accept_per_s: Math.round(rate),
    send_start_ms: percentiles(reports.map((report) => report.late)),
    drain_s: (Math.max(...reports.map((report) => report.at)) - start) / 1000,
  };
}

async function redisBytes() {
  const redis = new Redis(connection);
  return Number(/used_memory:(\d+)/.exec(await redis.info('memory'))[1]);
}

async function pending() {
  const before = await redisBytes();
  const rate = await accept(queue, db, instants(Date.now() + MONTH, MONTH));
  return { accept_per_s: Math.round(rate), redis_bytes_per_job: Math.round(((await redisBytes()) - before) / total) };
}

const modes = { pending, burst: () => publishAll(0), spread: () => publishAll(Number(values.span)) };

await createTables(db);
const figures = await modes[mode]();
console.log(JSON.stringify({ peer: 'bullmq + postgresql + undici', mode, posts: total, ...figures }));
process.exit(0);
