-- Ids are gapless and in the order of the commits: see chat/postgres_history.mjs.
create table last (id bigint not null);
insert into last values (0);
create table messages (
  id bigint primary key,
  key text not null unique,
  username text not null,
  message text not null,
  said_at timestamptz not null default now()
);
