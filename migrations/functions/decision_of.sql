-- What follows from how a request was judged: admitted, queued for the pool, queued for its tenant's quota (A16), or refused.
-- Pure, as `judge_admission`, whose answer p_judged is, so that a stored decision can be made again (R5).
-- p_ask: {onQuota, ..}. Returns {decision, waitingFor, burstCpu, burstMemoryGb, reasons} and, where there is some, advice. One that waits for quota because
-- its limits cannot hold it now keeps the reasons; burst is borrowed by those admitted only.
create function decision_of(p_judged jsonb, p_ask jsonb) returns jsonb
language plpgsql immutable as $$
declare
  v_decision text;
  v_waiting_for text;
begin
  if jsonb_array_length(p_judged->'reasons') = 0 then
    if (p_judged->>'startable')::boolean then
      v_decision := 'admitted';
    else
      v_decision := 'queued';
      v_waiting_for := case when (p_judged->>'quotaMustWait')::boolean then 'quota' else 'pool' end;
    end if;
  elsif p_ask->>'onQuota' = 'wait' and (p_judged->>'quotaCanWait')::boolean then
    v_decision := 'queued';
    v_waiting_for := 'quota';
  else
    v_decision := 'refused';
  end if;
  return jsonb_build_object(
    'decision', v_decision, 'waitingFor', v_waiting_for,
    'burstCpu', case when v_decision = 'admitted' then (p_judged->>'burstCpu')::numeric else 0 end,
    'burstMemoryGb', case when v_decision = 'admitted' then (p_judged->>'burstMemoryGb')::numeric else 0 end,
    'reasons', p_judged->'reasons'
  ) || case when p_judged ? 'advice' then jsonb_build_object('advice', p_judged->'advice') else '{}' end;
end
$$;
