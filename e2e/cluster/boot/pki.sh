#!/usr/bin/env bash
# The cluster's own small CA, one certificate for each of its parts, and their kubeconfigs.
# Lives as long as the cluster: $STATE/pki.
set -euo pipefail
# shellcheck source=e2e/cluster/boot/common.sh
source "$(dirname "$0")/common.sh"
mkdir -p "$STATE/pki"
cd "$STATE/pki"

key() { openssl ecparam -name prime256v1 -genkey -noout -out "$1.key"; }

# certificate <file> <subject> [subjectAltName]
certificate() {
  key "$1"
  openssl req -new -key "$1.key" -subj "$2" |
    openssl x509 -req -CA ca.crt -CAkey ca.key -set_serial "0x$(openssl rand -hex 8)" -days 30 \
      -out "$1.crt" -extfile <(
        printf 'extendedKeyUsage=serverAuth,clientAuth\nkeyUsage=digitalSignature\n'
        [[ -z ${3:-} ]] || printf 'subjectAltName=%s\n' "$3"
      ) 2>/dev/null
}

# kubeconfig <file> <name of the certificate>
kubeconfig() {
  cat >"$1" <<YAML
apiVersion: v1
kind: Config
current-context: $NAME
contexts: [{name: $NAME, context: {cluster: $NAME, user: $2}}]
clusters:
- name: $NAME
  cluster:
    server: https://$NODE_IP:6443
    certificate-authority-data: $(base64 -w0 ca.crt)
users:
- name: $2
  user:
    client-certificate-data: $(base64 -w0 "$2.crt")
    client-key-data: $(base64 -w0 "$2.key")
YAML
}

key ca
openssl req -x509 -new -key ca.key -subj "/CN=$NAME" -days 30 -out ca.crt
openssl genrsa -out service-accounts.key 2048 2>/dev/null # ECDSA tokens would do; RSA is the usual
certificate apiserver /CN=kube-apiserver "IP:$NODE_IP,IP:$API_SERVICE_IP,IP:127.0.0.1,\
DNS:kubernetes,DNS:kubernetes.default,DNS:kubernetes.default.svc,\
DNS:kubernetes.default.svc.cluster.local,DNS:localhost"
certificate admin /O=system:masters/CN=admin
certificate kube-controller-manager /CN=system:kube-controller-manager
certificate kube-scheduler /CN=system:kube-scheduler
certificate kube-proxy /CN=system:kube-proxy
certificate kubelet /O=system:nodes/CN=system:node:node
for user in admin kube-controller-manager kube-scheduler kube-proxy kubelet; do
  kubeconfig "$user.kubeconfig" "$user"
done
install -m 600 admin.kubeconfig "$STATE/kubeconfig"
