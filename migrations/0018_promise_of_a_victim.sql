-- A victim waits for the promise that it left for, and not for a later one of the same task (P3).
alter table tasks
  -- How many promises it has been given.
  add column promises integer not null default 0,
  -- Which of the promises of the task in preempted_by.
  add column preempted_for_promise integer;
-- Who left before this was written down keeps the tie that it had.
update tasks set preempted_for_promise = 0 where preempted_by is not null;
