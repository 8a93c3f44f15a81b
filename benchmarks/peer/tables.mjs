// The peer's tables: posts and accounts, as the seeds' application keeps them.
export async function createTables(db) {
  await db.query(`
    drop table if exists peer_post; drop table if exists peer_account;
    create table peer_post(id text primary key, content text, status text, scheduled_at timestamptz,
                           published_at timestamptz, platform_post_id text);
    create table peer_account(id text primary key, token text);
    insert into peer_account select 'a' || g, 't' || g from generate_series(0, 99) g`);
}

export const insertPosts = {
  name: 'insert-posts',
  text: `insert into peer_post(id, content, status, scheduled_at)
         select unnest($1::text[]), $2, 'SCHEDULED', to_timestamp(unnest($3::float8[]) / 1000)`,
};

export const findPost = { name: 'find-post', text: 'select * from peer_post where id = $1' };

export const findAccount = { name: 'find-account', text: 'select * from peer_account where id = $1' };

export const markPublished = {
  name: 'mark-published',
  text: `update peer_post set status = 'PUBLISHED', published_at = now(), platform_post_id = $2 where id = $1`,
};
