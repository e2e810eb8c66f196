-- A number of the policy argument. The numbers live in shared/admission/policy.ts; a missing one is a programming error.
create function policy_number(p_policy jsonb, p_name text) returns numeric
language plpgsql immutable parallel safe as $$
begin
  if p_policy->p_name is null then
    raise exception 'policy number % is missing', p_name;
  end if;
  return (p_policy->>p_name)::numeric;
end
$$;
