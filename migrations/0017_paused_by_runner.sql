-- A runner that hears of the pause in the answer to its own report, and leaves, carries out the action before the bus does (B5, E2).
alter table budget_events
  drop constraint budget_acted_by_known,
  add constraint budget_acted_by_known check (acted_by in ('bus', 'sweep', 'runner', 'none'));
