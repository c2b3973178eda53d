#!/usr/bin/env bash
# The cluster's first process, alone in new mount, pid and network namespaces: when it ends, the
# kernel ends every process and mount of the cluster with it. Starts the parts, keeps them
# running, and says so in $STATE/ready. `cluster.sh` asks it by files:
#   $STATE/pid/PART    the pid, as seen in here
#   $STATE/stop/PART   while it exists, the part is not started anew
set -euo pipefail
# shellcheck source=e2e/cluster/boot/common.sh
source "$(dirname "$0")/common.sh"
RESTART_S=0.5

# What Kubernetes, containerd and CNI keep at fixed places is this cluster's alone, in here.
private_mounts() {
  mount --make-rshared /
  mount -t tmpfs -o mode=755 tmpfs /run
  mount -t tmpfs -o mode=755 tmpfs /var/lib
  mount -t tmpfs -o mode=755 tmpfs /var/log
  # Volumes: a database on them need not wait for a disk that others keep busy.
  mkdir -p "$STATE/volumes"
  mount -t tmpfs -o mode=755 tmpfs "$STATE/volumes"
}

# The default route through the bridge makes ClusterIPs reachable from the node itself.
network() {
  ip link set lo up
  ip link add cni0 type bridge
  ip address add "$NODE_IP/16" dev cni0
  ip link set cni0 up
  ip route add default dev cni0
  echo 1 >/proc/sys/net/ipv4/ip_forward
}

# Pods shall not starve beside a compiler with many processes: the machine's group has 1024 shares
# for each of them, and ours for all that the cluster runs.
CPU_SHARES=16384 CPU_WEIGHT=1600

# The kubelet wants the root of its pods in every hierarchy; a cpuset is born without processors.
cgroups() {
  local hierarchy parent
  for hierarchy in $(awk '$3 ~ /^cgroup2?$/ { print $2 }' /proc/mounts); do
    mkdir -p "$hierarchy$CGROUP"
    for parent in cpuset.cpus cpuset.mems; do
      [[ ! -e $hierarchy$CGROUP/$parent || -n $(<"$hierarchy$CGROUP/$parent") ]] ||
        cat "$hierarchy/$parent" >"$hierarchy$CGROUP/$parent" 2>/dev/null || true
    done
    [[ ! -e $hierarchy$CGROUP/cpu.shares ]] || echo "$CPU_SHARES" >"$hierarchy$CGROUP/cpu.shares"
    [[ ! -e $hierarchy$CGROUP/cpu.weight ]] || echo "$CPU_WEIGHT" >"$hierarchy$CGROUP/cpu.weight"
  done
}

# keep <part> <command...>: runs it, and again whenever it ends.
keep() {
  local part=$1
  shift
  while :; do
    if [[ -e $STATE/stop/$part ]]; then
      sleep 0.1
      continue
    fi
    "$@" >>"$STATE/log/$part.log" 2>&1 &
    echo $! >"$STATE/pid/$part"
    wait $! || true
    echo "--- $part ended ($?)" >>"$STATE/log/$part.log"
    sleep "$RESTART_S"
  done
}

# until_ok <seconds> <what> <command...>
until_ok() {
  local deadline=$((SECONDS + $1)) what=$2
  shift 2
  until "$@" >/dev/null 2>&1; do
    if ((SECONDS >= deadline)); then
      echo "cluster: $what is not there" >&2
      exit 1
    fi
    sleep 0.1
  done
}

# since <what>: notes how long the boot took to get here.
born=$EPOCHREALTIME
since() {
  awk -v start="$born" -v now="$EPOCHREALTIME" -v what="$1" \
    'BEGIN { printf "%s %.1fs  ", what, now - start }' >>"$STATE/times"
}

api() { "$BIN/kubectl" --kubeconfig "$STATE/kubeconfig" --request-timeout 5s "$@"; }

private_mounts
network
cgroups
mkdir -p "$STATE"/{pid,stop,log,etcd}
"$BOOT/pki.sh"
"$BOOT/config.sh"

keep containerd containerd --config "$STATE/etc/containerd.toml" &
keep etcd etcd --data-dir "$STATE/etcd" --unsafe-no-fsync --log-level warn &
keep kube-apiserver "$BIN/kube-apiserver" \
  --advertise-address="$NODE_IP" --bind-address="$NODE_IP" \
  --allow-privileged --authorization-mode=Node,RBAC --enable-admission-plugins=NodeRestriction \
  --client-ca-file="$STATE/pki/ca.crt" \
  --tls-cert-file="$STATE/pki/apiserver.crt" --tls-private-key-file="$STATE/pki/apiserver.key" \
  --kubelet-client-certificate="$STATE/pki/admin.crt" \
  --kubelet-client-key="$STATE/pki/admin.key" --kubelet-preferred-address-types=InternalIP \
  --service-account-issuer=https://kubernetes.default.svc.cluster.local \
  --service-account-key-file="$STATE/pki/service-accounts.key" \
  --service-account-signing-key-file="$STATE/pki/service-accounts.key" \
  --service-cluster-ip-range="$SERVICE_CIDR" \
  --etcd-servers=http://127.0.0.1:2379 --profiling=false --shutdown-delay-duration=0s &

until_ok 20 containerd ctr --address "$CONTAINERD" version
for image in "$IMAGES"/*.tar; do
  [[ ! -e $image ]] || ctr --address "$CONTAINERD" -n k8s.io images import "$image" >/dev/null
done &
loading=$!

until_ok 60 kube-apiserver api get --raw /readyz
since api
keep kube-controller-manager "$BIN/kube-controller-manager" \
  --kubeconfig="$STATE/pki/kube-controller-manager.kubeconfig" --leader-elect=false \
  --use-service-account-credentials --root-ca-file="$STATE/pki/ca.crt" --bind-address=127.0.0.1 \
  --service-account-private-key-file="$STATE/pki/service-accounts.key" \
  --kube-api-qps=200 --kube-api-burst=400 --horizontal-pod-autoscaler-sync-period=2s \
  --profiling=false &
keep kube-scheduler "$BIN/kube-scheduler" --leader-elect=false --bind-address=127.0.0.1 \
  --kubeconfig="$STATE/pki/kube-scheduler.kubeconfig" --profiling=false &
keep kube-proxy "$BIN/kube-proxy" --config="$STATE/etc/kube-proxy.yaml" &
keep coredns "$BIN/coredns" -conf "$STATE/etc/Corefile" &
wait "$loading"
since images
keep kubelet "$BIN/kubelet" --config="$STATE/etc/kubelet.yaml" \
  --kubeconfig="$STATE/pki/kubelet.kubeconfig" --hostname-override=node --node-ip="$NODE_IP" &

api apply -f - <"$BOOT/objects.yaml" >/dev/null
until_ok 60 "the node" api wait --for=condition=Ready node/node --timeout=1s
since node
until_ok 30 "the default ServiceAccount" api get serviceaccount default
since accounts
until_ok 30 CoreDNS curl -fsS http://127.0.0.1:8181/ready
since dns
touch "$STATE/ready"
wait
