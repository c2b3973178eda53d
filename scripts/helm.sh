#!/usr/bin/env bash
# Prints the path of a helm 3, building it once (about 75 s) when the machine has none.
# HELM=path names another. Needs Go only to build.
set -euo pipefail
cd "$(dirname "$0")/.."

version=v3.19.2
if [[ -n ${HELM:-} ]]; then
  echo "$HELM"
  exit 0
fi
found=$(command -v helm || true)
if [[ -n $found && $("$found" version --short 2>/dev/null) == v3.* ]]; then
  echo "$found"
  exit 0
fi
built=$PWD/build/tools/helm-$version
if [[ ! -x $built ]]; then
  mkdir -p build/tools
  go=$(scripts/go.sh)
  echo "helm: building $version" >&2
  GOBIN=$PWD/build/tools/bin GOFLAGS=-trimpath CGO_ENABLED=0 "$go" install \
    -ldflags "-s -w -X helm.sh/helm/v3/internal/version.version=$version" \
    "helm.sh/helm/v3/cmd/helm@$version" >&2
  mv build/tools/bin/helm "$built"
fi
echo "$built"
