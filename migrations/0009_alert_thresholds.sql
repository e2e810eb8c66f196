-- Percentages of a budget that a tenant wants to hear of beyond warn, throttle and pause; they only alert (rule B4).
alter table tenants add column alert_percents numeric(6, 3)[] not null default '{}';
