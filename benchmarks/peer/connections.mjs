// Redis, PostgreSQL and the network, from REDIS_PORT, PG_URL and SINK.
import pg from 'pg';
import { Pool } from 'undici';

export function connect() {
  return {
    connection: { host: '127.0.0.1', port: Number(process.env.REDIS_PORT), maxRetriesPerRequest: null },
    db: new pg.Pool({ connectionString: process.env.PG_URL, max: 10 }),
    http: new Pool(process.env.SINK, { connections: 50 }),
  };
}
