/**
 * What the figures are held against, on the same server and in the same rounds: the least that a durable change of one
 * row costs, and the plain queue that people build on Postgres.
 */

import type pg from 'pg';
import type { Database } from '../shared/platform/db.ts';
import type { Stopwatch } from './rounds.ts';

export const updateName = 'yardstick: update of one row';
export const plainQueueName = 'yardstick: plain queue, next job';

/** Rows of the updated table, and jobs that wait in the plain queue. */
export const yardstickRows = 1000;
const jobs = 100_000;

/** Tables in a schema of their own; `role` may use them. */
export async function createYardsticks(admin: pg.Client, role: string): Promise<void> {
  await admin.query(`
    create schema yardstick;
    create table yardstick.counters (id integer primary key, value bigint not null);
    insert into yardstick.counters select n, 0 from generate_series(1, ${yardstickRows}) n;
    create table yardstick.jobs (
      job_id bigint primary key, class smallint not null, accepted_at timestamptz not null, state text not null
    );
    insert into yardstick.jobs
    select n, n % 4, timestamptz '2026-01-01' + n * interval '1 second', 'waiting' from generate_series(1, ${jobs}) n;
    create index jobs_waiting on yardstick.jobs (class, accepted_at, job_id) where state = 'waiting';
    grant usage on schema yardstick to ${role};
    grant select, insert, update on all tables in schema yardstick to ${role};
  `);
}

/** One transaction that changes one row by its primary key. */
export async function updateOneRow(database: Database, id: number): Promise<void> {
  await database.query('update yardstick.counters set value = value + 1 where id = $1', [id]);
}

/** Takes the next job by class and age; concurrent takers skip each other's. */
async function takeNextJob(database: Database): Promise<void> {
  await database.query(`
    update yardstick.jobs set state = 'running' where job_id = (
      select job_id from yardstick.jobs where state = 'waiting'
      order by class, accepted_at, job_id limit 1 for update skip locked
    ) returning job_id`);
}

/** One of each yardstick, timed. */
export async function timeYardsticks(database: Database, watch: Stopwatch, round: number): Promise<void> {
  await watch.time(updateName, () => updateOneRow(database, 1 + (round % yardstickRows)));
  await watch.time(plainQueueName, () => takeNextJob(database));
}
