// Publishing one post: read post and account, POST it, mark it PUBLISHED.
import { findAccount, findPost, markPublished } from './tables.mjs';

const now = () => performance.timeOrigin + performance.now();

async function send(http, post, account) {
  const response = await http.request({
    path: '/p',
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: account.token },
    body: JSON.stringify({ content: post.content }),
  });
  return response.body.json();
}

// A job handler that reports `{late, at}`: ms between due and start of send, and the instant of the commit.
export function publisher(db, http, report) {
  return async (job) => {
    const [posts, accounts] = await Promise.all([
      db.query({ ...findPost, values: [job.data.postId] }),
      db.query({ ...findAccount, values: [job.data.accountId] }),
    ]);
    const [post] = posts.rows;
    if (!post || post.status === 'PUBLISHED') return;
    const late = now() - job.data.due;
    const sent = await send(http, post, accounts.rows[0]);
    await db.query({ ...markPublished, values: [post.id, sent.id] });
    report({ late, at: now() });
  };
}
