-- Keeps the numbers of a policy under its version, once, so that decisions made under it can be explained later (R5).
create function keep_policy(p_policy jsonb, p_now timestamptz) returns void
language plpgsql as $$
begin
  if not exists (select 1 from policies where version = p_policy->>'version') then
    insert into policies (version, numbers, first_used_at) values (p_policy->>'version', p_policy, p_now) on conflict do nothing;
  end if;
end
$$;
