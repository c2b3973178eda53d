#!/usr/bin/env bash
# watch.sh OWNER INIT: takes the cluster down when its owner is gone, however it went. Ends with
# the cluster, so that it never meets another of the same name.
set -euo pipefail
# shellcheck source=e2e/cluster/boot/common.sh
source "$(dirname "$0")/common.sh"
while [[ -d /proc/$1 && $(init_pid) == "$2" ]]; do sleep 0.5; done
[[ $(init_pid) != "$2" ]] || exec "$ROOT/e2e/cluster/cluster.sh" down
