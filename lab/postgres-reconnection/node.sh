#!/usr/bin/env bash
# One Postgres node under repmgr, for the lab's runner and for the containers alike.
#
#   node.sh server   makes the data folder if there is none, then is the postgres process; a former
#                    primary, whose peer has taken over meanwhile, becomes a fresh copy of that
#   node.sh watch    registers the node once its server answers, then is its repmgrd
#   node.sh alone    (by repmgrd, on a primary whose standby is gone) lets commits go on without it
#
#   NODE_ID 1 or 2 · NODE_ROLE primary or standby: at the very beginning · NODE_DIR a folder of its own
#   NODE_HOST NODE_PORT   where this node is found by the other one · NODE_LISTEN   if that is not it
#   PEER_HOST PEER_PORT   the other node
#   NODE_PASSWORD         of the roles repmgr and chat, over the network
#   NODE_SERVICE          in a StatefulSet of two: its Service; all but NODE_DIR and NODE_PASSWORD follow
#
# Runs as whoever owns NODE_DIR, which must not be root: postgres refuses that.
set -euo pipefail

if [[ -n ${NODE_SERVICE:-} ]]; then
  ordinal=${HOSTNAME##*-}
  NODE_ID=$((ordinal + 1)) NODE_ROLE=$( ((ordinal == 0)) && echo primary || echo standby)
  NODE_HOST=$HOSTNAME.$NODE_SERVICE NODE_PORT=5432 NODE_LISTEN='*'
  PEER_HOST=${HOSTNAME%-*}-$((1 - ordinal)).$NODE_SERVICE PEER_PORT=5432
fi

here=$(cd "$(dirname "$0")" && pwd)
bin=$(find /usr/lib/postgresql -mindepth 2 -maxdepth 2 -name bin | sort -V | tail -1)
export PATH=$bin:$PATH
data=$NODE_DIR/data
# For psql, repmgr, repmgrd, and for the server that follows another one.
export PGPASSWORD=$NODE_PASSWORD
# An address that nobody has any more, as of a pod that is gone, must not keep anybody waiting.
export PGCONNECT_TIMEOUT=${PGCONNECT_TIMEOUT:-2}
conf=$NODE_DIR/repmgr.conf
# There once the data folder is whole: whoever is killed while making it begins again.
complete=$NODE_DIR/complete
mkdir -p "$NODE_DIR"

# tcp_user_timeout: the replica's server, which is told to follow by this text, has no other limit for
# a connection to an address that nobody has any more.
write_conf() {
  cat >"$conf" <<END
node_id=$NODE_ID
node_name='pg$NODE_ID'
conninfo='host=$NODE_HOST port=$NODE_PORT user=repmgr dbname=repmgr connect_timeout=2 tcp_user_timeout=3000'
data_directory='$data'
pg_bindir='$bin'
use_replication_slots=no
failover=automatic
promote_command='$bin/repmgr standby promote -f $conf --log-to-file'
follow_command='$bin/repmgr standby follow -f $conf --log-to-file --upstream-node-id=%n'
monitor_interval_secs=1
connection_check_type=ping
# A primary that does not answer for so long is failed over: four attempts, a second apart.
reconnect_attempts=4
reconnect_interval=1
degraded_monitoring_timeout=-1
# A primary whose standby has been gone for so long commits without it.
child_nodes_check_interval=1
child_nodes_disconnect_timeout=8
child_nodes_disconnect_command='$here/node.sh alone'
log_level=NOTICE
END
}

# local <psql option...>: as the superuser, through the node's own socket.
local_psql() { psql -X -q -v ON_ERROR_STOP=1 -h "$NODE_DIR" -p "$NODE_PORT" -U postgres "$@"; }

settings=(-c "config_file=$data/postgresql.conf" -c "listen_addresses=${NODE_LISTEN:-$NODE_HOST}"
  -c "port=$NODE_PORT" -c "unix_socket_directories=$NODE_DIR")

peer_psql() { psql -X -q -h "$PEER_HOST" -p "$PEER_PORT" -U repmgr -d repmgr "$@"; }

# This node's timeline. A promotion begins a new one, and leaves a file that says so.
timeline() {
  local newest
  newest=$({ echo 00000001.history && find "$data/pg_wal" -name '????????.history' -printf '%f\n'; } |
    sort | tail -1)
  echo "${newest%.history}"
}

# Whether the other node has been promoted since this one was: then this one leads no more.
superseded() {
  local theirs
  theirs=$(peer_psql -Atc "select left(pg_walfile_name(pg_current_wal_insert_lsn()), 8)
    where not pg_is_in_recovery()" 2>/dev/null) || return 1
  [[ -n $theirs ]] && ((16#$theirs > 16#$(timeline)))
}

init_primary() {
  initdb -D "$data" -U postgres -E UTF8 --no-locale --auth=trust --no-sync >/dev/null
  cat "$here/postgresql.conf" >>"$data/postgresql.conf"
  cp "$here/pg_hba.conf" "$data/pg_hba.conf"
  # Until all is there it answers on its own socket only: nobody may clone half of it.
  pg_ctl -D "$data" -w -s -l "$NODE_DIR/init.log" -o "${settings[*]} -c listen_addresses=" start
  local_psql -d postgres -v password="$NODE_PASSWORD" <<END
create role repmgr superuser login password :'password';
create role chat login password :'password';
create database repmgr owner repmgr;
create database chat owner chat;
END
  local_psql -d chat -U chat -f "$here/schema.sql"
  pg_ctl -D "$data" -w -s -m fast stop
}

init_standby() {
  # A promotion ends before its record is written: until then the other one's table still names this
  # node as the primary, and a clone would follow itself.
  local leads="select 1 from repmgr.nodes where type = 'primary' and node_id <> $NODE_ID
    and not pg_is_in_recovery()"
  until [[ -n $(peer_psql -Atc "$leads" 2>/dev/null) ]]; do sleep 0.1; done
  repmgr -h "$PEER_HOST" -p "$PEER_PORT" -U repmgr -d repmgr -f "$conf" standby clone \
    --fast-checkpoint >/dev/null
  # Whom the other one waits for is not whom this one would.
  sed -i '/^synchronous_standby_names/d' "$data/postgresql.auto.conf"
}

# give_way <repmgrd's pid>: runs beside it. A primary that came back just while the other one was being
# promoted has to go. Nothing that it was told since is confirmed: it waits for a standby. Whoever runs the
# server and this script starts both again, and they find what the node is now.
give_way() {
  local led=
  while sleep 1 && kill -0 "$1" 2>/dev/null; do
    if [[ -e $data/standby.signal ]]; then
      [[ -n $led ]] || continue # the server came back as a copy, which has to be registered
      break
    fi
    [[ ! -e $complete ]] || led=yes
    if superseded; then
      pg_ctl -D "$data" -s -m immediate stop || true
      break
    fi
  done
  kill "$1" 2>/dev/null || true
}

case "${1:-}" in
  server)
    write_conf
    # Two primaries would be worse than none: who was one looks whether the other is now.
    if [[ -e $complete && ! -e $data/standby.signal ]] && superseded; then rm "$complete"; fi
    if [[ ! -e $complete ]]; then
      rm -rf "$data"
      # Who has nothing, and finds the other one alive, is its copy: that leads, or soon will.
      if peer_psql -c 'select 1' >/dev/null 2>&1; then NODE_ROLE=standby; fi
      "init_$NODE_ROLE"
      touch "$complete"
    fi
    rm -f "$data/postmaster.pid"
    # Kubernetes gives a volume's group all rights on every mount, and postgres refuses such a folder.
    chmod 700 "$data"
    exec postgres -D "$data" "${settings[@]}"
    ;;
  watch)
    until pg_isready -q -h "$NODE_HOST" -p "$NODE_PORT"; do sleep 0.1; done
    if [[ ! -e $data/standby.signal ]]; then
      repmgr -f "$conf" primary register --force >/dev/null
    else
      repmgr -f "$conf" standby register --force --wait-sync=50 >/dev/null
      # From now on a commit is confirmed when it is on both disks: a failover loses none.
      peer_psql -c "alter system set synchronous_standby_names = '*'" \
        -c "select pg_reload_conf()" >/dev/null
    fi
    give_way $$ &
    exec repmgrd -f "$conf" --daemonize=false --no-pid-file
    ;;
  alone)
    if superseded; then exit; fi
    local_psql -d postgres -c "alter system reset synchronous_standby_names" \
      -c "select pg_reload_conf()" >/dev/null
    ;;
  *)
    echo "node.sh: server, watch or alone" >&2
    exit 2
    ;;
esac
