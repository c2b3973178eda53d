# shellcheck shell=bash
# Sourced by cluster.sh and by what it starts: names, addresses and folders of one cluster.
#
# NAME is the cluster's; everything it has lies in STATE, but for its binaries (shared by all
# clusters of this tree) and its cgroups, which are called like it.
NAME=${CLUSTER_NAME:-socketmesh-e2e}
[[ $NAME =~ ^[a-z][a-z0-9-]{0,40}$ ]] || {
  echo "cluster: '$NAME' is no good name: lower-case letters, digits, '-'" >&2
  exit 2
}
ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/../../.." && pwd)
STATE=${TMPDIR:-/tmp}/$NAME.cluster
BIN=$ROOT/build/cluster/bin
BOOT=$ROOT/e2e/cluster/boot
IMAGES=$ROOT/build/images
CGROUP=/$NAME

NODE_IP=10.88.0.1        # the bridge; everything of the control plane listens here or on loopback
POD_CIDR=10.88.0.0/16
SERVICE_CIDR=10.96.0.0/16
API_SERVICE_IP=10.96.0.1
DNS_IP=10.96.0.10
CONTAINERD=$STATE/containerd.sock
export NAME ROOT STATE BIN BOOT IMAGES CGROUP NODE_IP POD_CIDR SERVICE_CIDR API_SERVICE_IP DNS_IP
export CONTAINERD

# The host's pid of the cluster's first process; nothing when it does not run. A pid can be
# another's by now, so the process is asked whether it is this cluster's.
init_pid() {
  local pid
  pid=$(cat "$STATE/init.pid" 2>/dev/null) && [[ -n $pid && -r /proc/$pid/environ ]] &&
    grep -qzx "CLUSTER_INIT=$NAME" "/proc/$pid/environ" 2>/dev/null && echo "$pid"
}
