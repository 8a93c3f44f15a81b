// One worker process: publishes until its parent goes away, and tells the parent about each post.
import { Worker } from 'bullmq';
import { connect } from './connections.mjs';
import { publisher } from './publish.mjs';

const { db, http, connection } = connect();
const [queue, concurrency] = [process.argv[2], Number(process.argv[3])];
let reports = [];
setInterval(() => {
  if (reports.length) process.send(reports);
  reports = [];
}, 100);
const worker = new Worker(queue, publisher(db, http, (report) => reports.push(report)), { connection, concurrency });
await worker.waitUntilReady();
process.send([]);
process.on('disconnect', () => process.exit(0));
