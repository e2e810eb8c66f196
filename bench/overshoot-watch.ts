/** Notes, inside the database and in the order of commits, when budgets reach their pause threshold and what is spent above holds. */

/** Rows of a statement as superuser, who alone may watch. */
export type Superuser = <R>(text: string, values?: unknown[]) => Promise<R[]>;

/** A budget above runs. */
export type Account = { readonly scope: 'tenant' | 'org'; readonly id: string };

/** In 1e-9 USD. */
export type Overshoot = {
  /** Spent when the pause threshold was reached, with the booking that reached it. */
  readonly settled: bigint;
  /** What open holds still covered at that moment, by their rows. */
  readonly live: bigint;
  /** Booked afterwards beyond what the run's open hold covered, or without one. */
  readonly above: bigint;
  /** Booked in all beyond holds. */
  readonly aboveEver: bigint;
  readonly final: bigint;
};

/** The notes are taken under the locks of the bookings themselves: one of a budget after the other. */
export async function watchOvershoot(query: Superuser): Promise<void> {
  await query(`
    create sequence watch_order;
    create table watched_moments (place bigint, scope text, account_id text, settled bigint, live bigint);
    create table watched_excess (place bigint, tenant_id text, org_id text, nanos bigint);
    create function watched_live(p_scope text, p_account_id text) returns bigint language sql as $$
      select coalesce(sum(greatest(r.limit_usd_nanos - r.spent_usd_nanos, 0)), 0)::bigint
      from holds h join runs r using (tenant_id, run_id)
      where h.released_at is null and case p_scope when 'org' then h.org_id else h.tenant_id end = p_account_id
    $$;
    create function watch_moment() returns trigger language plpgsql security definer as $$
    begin
      insert into watched_moments
      values (nextval('watch_order'), new.scope, new.account_id, new.spent_usd_nanos, watched_live(new.scope, new.account_id));
      return null;
    end $$;
    create trigger watch_moment after insert on account_budget_events
    for each row when (new.level = 'pause') execute function watch_moment();
    create function watch_excess() returns trigger language plpgsql security definer as $$
    declare
      v_hold holds;
      v_covered bigint := 0;
    begin
      select * into v_hold from holds where tenant_id = new.tenant_id and run_id = new.run_id and released_at is null;
      if found then
        v_covered := greatest(old.limit_usd_nanos - old.spent_usd_nanos, 0);
      end if;
      insert into watched_excess
      select nextval('watch_order'), new.tenant_id, n.org_id, greatest(new.spent_usd_nanos - old.spent_usd_nanos - v_covered, 0)
      from tenants n where n.tenant_id = new.tenant_id;
      return null;
    end $$;
    create trigger watch_excess after update of spent_usd_nanos on runs
    for each row when (new.spent_usd_nanos > old.spent_usd_nanos) execute function watch_excess();
  `);
}

/** @throws Error when the budget never reached its pause threshold */
export async function overshootOf(query: Superuser, { scope, id }: Account): Promise<Overshoot> {
  const [row] = await query<Record<keyof Overshoot, string>>(
    `select m.settled::text as settled, m.live::text as live,
       coalesce(sum(x.nanos) filter (where x.place > m.place), 0)::text as above, coalesce(sum(x.nanos), 0)::text as "aboveEver",
       (select sum(cost_usd_nanos) from cost_events e where case $1 when 'org' then e.org_id else e.tenant_id end = $2)::text as final
     from watched_moments m
     left join watched_excess x on case $1 when 'org' then x.org_id else x.tenant_id end = $2
     where m.scope = $1 and m.account_id = $2
     group by m.settled, m.live, m.place`,
    [scope, id],
  );
  if (row === undefined) throw new Error(`${scope} ${id} never reached its pause threshold`);
  return {
    settled: BigInt(row.settled),
    live: BigInt(row.live),
    above: BigInt(row.above),
    aboveEver: BigInt(row.aboveEver),
    final: BigInt(row.final),
  };
}
