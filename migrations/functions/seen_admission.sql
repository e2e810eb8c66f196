-- The first answer to a request that was asked before (A7), or null when it has to be judged.
-- An accepted request keeps its answer for good. A refusal keeps it while nothing that it rested on has moved and its
-- retry time has not come; an Idempotency-Key keeps any answer for 24 hours.
create function seen_admission(p_tenant tenants, p_request jsonb, p_now timestamptz) returns jsonb
language plpgsql stable as $$
declare
  v_key text;
  v_answer admission_answers;
  v_pool_limits text := (select concat_ws('/', cpu::text, memory_gb::text, tasks::text) from pool);
begin
  -- Key by key, so that each is one look-up of the primary key.
  for v_key in select request_key from jsonb_array_elements_text(p_request->'requestKeys') as keys (request_key) loop
    select * into v_answer from admission_answers where tenant_id = p_tenant.tenant_id and request_key = v_key;
    continue when not found;
    if v_answer.request_hash <> p_request->>'requestHash' then
      if v_answer.accepted or (v_answer.request_key like 'key:%' and v_answer.at > p_now - interval '24 hours') then
        return jsonb_build_object('kind', 'mismatch');
      end if;
    elsif v_answer.accepted
      or (v_answer.request_key like 'key:%' and v_answer.at > p_now - interval '24 hours')
      or (v_answer.answers_version = p_tenant.answers_version and v_answer.pool_limits = v_pool_limits
        and coalesce(v_answer.retry_at > p_now, true))
    then
      return jsonb_build_object('kind', 'answer', 'replayed', true, 'outcome', v_answer.outcome);
    end if;
  end loop;
  return null;
end
$$;
