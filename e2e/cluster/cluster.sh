#!/usr/bin/env bash
# A real Kubernetes on this machine, in network, mount and pid namespaces of its own:
#
#   e2e/cluster/cluster.sh up [--owner PID]   boot; with an owner, end when that process does
#   e2e/cluster/cluster.sh down               end it, and everything that it left
#   e2e/cluster/cluster.sh exec COMMAND...    in its network, with KUBECONFIG and PATH set
#   e2e/cluster/cluster.sh load FILE.tar...   an image, as an OCI archive
#   e2e/cluster/cluster.sh tag IMAGE NAME      another name for an image that it has
#   e2e/cluster/cluster.sh volume NAME         a folder of the node, in memory; prints its path
#   e2e/cluster/cluster.sh stop|start PART    kube-apiserver, kubelet, …; stop is a SIGKILL
#   e2e/cluster/cluster.sh logs PART          what it printed
#
# CLUSTER_NAME (default socketmesh-e2e) tells clusters apart; any number can run at once. Needs
# root. Everything lies in ${TMPDIR:-/tmp}/NAME.cluster.
set -euo pipefail
# shellcheck source=e2e/cluster/boot/common.sh
source "$(dirname "$0")/boot/common.sh"
BOOT_TIMEOUT_S=150

fail() {
  echo "cluster: $*" >&2
  exit 1
}

running() { init_pid >/dev/null || fail "'$NAME' does not run; e2e/cluster/cluster.sh up boots it"; }

# Every process of the cluster ends with its first one, and every mount with its last one.
end_processes() {
  local pid
  pid=$(init_pid) || return 0
  kill -KILL "$pid" 2>/dev/null || true
  while [[ -d /proc/$pid ]]; do sleep 0.05; done
}

remove_cgroups() {
  local hierarchy tries
  for hierarchy in $(awk '$3 ~ /^cgroup2?$/ { print $2 }' /proc/mounts); do
    for tries in {1..50}; do
      [[ -d $hierarchy$CGROUP ]] || break
      find "$hierarchy$CGROUP" -depth -type d -exec rmdir {} + 2>/dev/null || sleep 0.1
    done
    [[ ! -d $hierarchy$CGROUP ]] || echo "cluster: $hierarchy$CGROUP stays ($tries tries)" >&2
  done
}

down() {
  end_processes
  remove_cgroups
  rm -rf "$STATE"
}

boot_log() {
  tail -n 5 "$STATE"/log/*.log "$STATE/init.log" >&2 2>/dev/null || true
}

up() {
  local owner="" start=$EPOCHREALTIME
  [[ ${1:-} != --owner ]] || owner=$2
  ((EUID == 0)) || fail "needs root, for namespaces and cgroups"
  ! init_pid >/dev/null || fail "'$NAME' runs already; another CLUSTER_NAME, or 'down' first"
  [[ -x $BIN/kube-apiserver ]] || fail "not built yet; e2e/cluster/build.sh does"
  down # what a run that was killed left behind
  mkdir -p "$STATE"
  CLUSTER_INIT=$NAME setsid unshare --mount --pid --net --ipc --fork --kill-child --mount-proc \
    "$BOOT/init.sh" >"$STATE/init.log" 2>&1 </dev/null &
  local outer=$! pid=""
  until pid=$(cat "/proc/$outer/task/$outer/children" 2>/dev/null) && [[ -n $pid ]]; do
    [[ -d /proc/$outer ]] || fail "could not make the namespaces: $(cat "$STATE/init.log")"
    sleep 0.02
  done
  echo "${pid% }" >"$STATE/init.pid"
  disown "$outer"
  trap 'boot_log; down' EXIT
  trap 'trap - EXIT; down; exit 130' INT TERM
  if [[ -n $owner ]]; then
    setsid "$BOOT/watch.sh" "$owner" "${pid% }" >/dev/null 2>&1 </dev/null &
    disown
  fi
  local deadline=$((SECONDS + BOOT_TIMEOUT_S))
  until [[ -e $STATE/ready ]]; do
    init_pid >/dev/null || fail "the boot failed"
    ((SECONDS < deadline)) || fail "no cluster after ${BOOT_TIMEOUT_S}s"
    sleep 0.1
  done
  trap - EXIT INT TERM
  printf 'cluster: %s is up after %.1fs: %s\n' "$NAME" \
    "$(awk -v start="$start" -v now="$EPOCHREALTIME" 'BEGIN { print now - start }')" \
    "$(cat "$STATE/times")"
}

enter() {
  running
  export KUBECONFIG=$STATE/kubeconfig PATH=$BIN:$PATH
  exec nsenter --target "$(init_pid)" --net -- "$@"
}

load() {
  running
  local file
  for file in "$@"; do
    ctr --address "$CONTAINERD" -n k8s.io images import "$file"
  done
}

# tag <image> <name>
tag() {
  running
  ctr --address "$CONTAINERD" -n k8s.io images tag --force "$1" "$2"
}

# volume <name>
volume() {
  running
  nsenter --target "$(init_pid)" --mount -- mkdir -p "$STATE/volumes/$1"
  echo "$STATE/volumes/$1"
}

stop() {
  running
  touch "$STATE/stop/$1"
  nsenter --target "$(init_pid)" --pid --mount -- kill -KILL "$(cat "$STATE/pid/$1")"
}

command=${1:-}
(($# == 0)) || shift
case "$command" in
  up) up "$@" ;;
  down) down ;;
  exec) enter "$@" ;;
  load) load "$@" ;;
  tag) tag "$@" ;;
  volume) volume "${1:?which name?}" ;;
  stop) stop "${1:?which part?}" ;;
  start)
    running
    rm -f "$STATE/stop/${1:?which part?}"
    ;;
  logs) cat "$STATE/log/${1:?which part?}.log" ;;
  *)
    sed -n '2,14s/^# \{0,1\}//p' "$0" >&2
    exit 2
    ;;
esac
