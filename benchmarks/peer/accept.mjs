// Accepting posts: a delayed job and a row each, 500 at a time, a few batches in flight.
import { insertPosts } from './tables.mjs';

const BATCH = 500;
const LANES = 2;
const CONTENT = 'x'.repeat(400);

function jobs(dues, from, ids) {
  const timestamp = Date.now();
  return ids.map((id, k) => {
    const due = dues[from + k];
    const data = { postId: id, accountId: 'a' + ((from + k) % 100), due };
    return { name: 'publish', data, opts: { delay: Math.max(0, due - timestamp), timestamp, jobId: id } };
  });
}

async function acceptBatch(queue, db, dues, from) {
  const batch = dues.slice(from, from + BATCH);
  const ids = batch.map((_, k) => 'p' + (from + k));
  await db.query({ ...insertPosts, values: [ids, CONTENT, batch] });
  await queue.addBulk(jobs(dues, from, ids));
}

// Posts accepted per second; `dues` are instants in ms, one per post.
export async function accept(queue, db, dues) {
  const started = performance.now();
  let next = 0;
  const lane = async () => {
    while (next < dues.length) {
      const from = next;
      next += BATCH;
      await acceptBatch(queue, db, dues, from);
    }
  };
  await Promise.all(Array.from({ length: LANES }, lane));
  return dues.length / ((performance.now() - started) / 1000);
}
