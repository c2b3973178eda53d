#!/usr/bin/env bash
# Builds what the cluster runs and Debian does not have, into build/cluster/bin: Kubernetes with
# kubectl (one binary by several names), CoreDNS and kwok; and links helm. Some six minutes of two
# cores the first time; nothing at all as long as sources, versions and Go are the same.
set -euo pipefail
cd "$(dirname "$0")/../.."
bin=$PWD/build/cluster/bin
sources=e2e/cluster/go
components=(kube-apiserver kube-controller-manager kube-scheduler kube-proxy kubelet kubectl)

go=$(scripts/go.sh)
export CGO_ENABLED=0 GOTOOLCHAIN=local GOFLAGS=
version=$(sed -nE 's,^\tk8s.io/kubernetes (v[0-9.]+).*,\1,p' "$sources/go.mod")
key=$(cat "$sources"/go.* "$sources"/*/*.go "$0" <("$go" env GOVERSION) | sha256sum | cut -d ' ' -f 1)
if [[ $(cat "$bin/.key" 2>/dev/null) == "$key" ]]; then
  exit 0
fi

IFS=. read -r major minor _ <<<"${version#v}"
package=k8s.io/component-base/version
ldflags="-s -w -X $package.gitVersion=$version -X $package.gitMajor=$major"
ldflags+=" -X $package.gitMinor=$minor -X $package.gitTreeState=clean"
start=$SECONDS
mkdir -p "$bin"
rm -f "$bin/.key"
for what in ./kube ./coredns sigs.k8s.io/kwok/cmd/kwok; do
  (cd "$sources" && "$go" build -trimpath -buildvcs=false -ldflags "$ldflags" -o "$bin/" "$what")
  echo "cluster: built $(basename "$what") ($((SECONDS - start))s)"
done
for component in "${components[@]}"; do ln -sf kube "$bin/$component"; done
ln -sf "$(scripts/helm.sh)" "$bin/helm"
echo "$key" >"$bin/.key"
