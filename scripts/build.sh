#!/usr/bin/env bash
# Builds the release binaries (build/bin) and the adapter (adapter/dist), and installs what the
# npm packages that are named need: scripts/build.sh [folder...]
# Test programs are left to `make test`, so that `make demo` gets to a mesh without gtest.
set -euo pipefail
cd "$(dirname "$0")/.."

mkdir -p build
targets=()
[[ -e sidecar/shell/main.cpp ]] && targets+=(socketmesh-sidecar)
[[ -e operator/main.cpp ]] && targets+=(socketmesh-operator)
((${#targets[@]})) || targets=(all)
scripts/cmake.sh release "${targets[@]}"

# shellcheck source=scripts/npm.sh
source scripts/npm.sh
if [[ -e adapter/package.json ]]; then
  npm_install adapter
  (cd adapter && npm run --silent build)
fi
for package in "$@"; do npm_install "$package"; done
