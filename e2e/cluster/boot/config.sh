#!/usr/bin/env bash
# Writes the configuration files of containerd, CNI, the kubelet, kube-proxy and CoreDNS.
set -euo pipefail
# shellcheck source=e2e/cluster/boot/common.sh
source "$(dirname "$0")/common.sh"
mkdir -p "$STATE/etc/cni" "$STATE/containerd"

# restrict_oom_score_adj: without it a sandbox can't start where we may not lower our own score.
cat >"$STATE/etc/containerd.toml" <<TOML
version = 2
root = "$STATE/containerd"
state = "/run/containerd"
[grpc]
  address = "$CONTAINERD"
[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "localhost/pause:e2e"
  restrict_oom_score_adj = true
  [plugins."io.containerd.grpc.v1.cri".cni]
    bin_dir = "/usr/lib/cni"
    conf_dir = "$STATE/etc/cni"
  [plugins."io.containerd.grpc.v1.cri".containerd]
    snapshotter = "overlayfs"
    [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
      runtime_type = "io.containerd.runc.v2"
TOML

cat >"$STATE/etc/cni/10-bridge.conflist" <<JSON
{
  "cniVersion": "0.4.0",
  "name": "bridge",
  "plugins": [
    {
      "type": "bridge", "bridge": "cni0", "isGateway": true, "hairpinMode": true,
      "ipam": {
        "type": "host-local",
        "ranges": [[{"subnet": "$POD_CIDR", "rangeStart": "10.88.1.1", "gateway": "$NODE_IP"}]],
        "routes": [{"dst": "0.0.0.0/0"}]
      }
    },
    {"type": "portmap", "capabilities": {"portMappings": true}}
  ]
}
JSON

# Secrets that changed are seen soon (syncFrequency), and nothing is evicted for want of disk.
cat >"$STATE/etc/kubelet.yaml" <<YAML
apiVersion: kubelet.config.k8s.io/v1beta1
kind: KubeletConfiguration
address: $NODE_IP
authentication:
  anonymous: {enabled: false}
  webhook: {enabled: true}
  x509: {clientCAFile: $STATE/pki/ca.crt}
authorization: {mode: Webhook}
cgroupDriver: cgroupfs
cgroupRoot: $CGROUP
clusterDNS: [$DNS_IP]
clusterDomain: cluster.local
containerRuntimeEndpoint: unix://$CONTAINERD
enforceNodeAllocatable: []
evictionHard: {memory.available: 100Mi}
failCgroupV1: false
failSwapOn: false
imageGCHighThresholdPercent: 100
kubeAPIBurst: 200
kubeAPIQPS: 100
localStorageCapacityIsolation: false
maxPods: 250
registerNode: true
resolvConf: $STATE/etc/resolv.conf
serializeImagePulls: false
syncFrequency: 5s
YAML
: >"$STATE/etc/resolv.conf"

cat >"$STATE/etc/kube-proxy.yaml" <<YAML
apiVersion: kubeproxy.config.k8s.io/v1alpha1
kind: KubeProxyConfiguration
bindAddress: $NODE_IP
clientConnection: {kubeconfig: $STATE/pki/kube-proxy.kubeconfig}
clusterCIDR: $POD_CIDR
conntrack: {maxPerCore: 0}
hostnameOverride: node
metricsBindAddress: 127.0.0.1:10249
mode: iptables
iptables: {minSyncPeriod: 100ms}
YAML

cat >"$STATE/etc/Corefile" <<COREFILE
.:53 {
  bind $NODE_IP
  errors
  ready 127.0.0.1:8181
  kubernetes cluster.local in-addr.arpa {
    kubeconfig $STATE/kubeconfig
    ttl 1
  }
  cache 1
}
COREFILE
