#!/usr/bin/env bash
# Configures a preset and builds targets of it: scripts/cmake.sh <preset> [target...]
# CI=anything makes warnings errors.
set -euo pipefail
cd "$(dirname "$0")/.."

preset=$1
shift
# Clones and worktrees share what ccache has: paths inside the tree don't count.
export CCACHE_BASEDIR=${CCACHE_BASEDIR:-$PWD} CCACHE_NOHASHDIR=${CCACHE_NOHASHDIR:-1}
options=(-DSOCKETMESH_WERROR="$([[ -n ${CI:-} ]] && echo ON || echo OFF)")
if [[ $preset == fuzz ]]; then
  for version in 19 18 17 16 15 14 ""; do
    clang=$(command -v "clang++${version:+-$version}" || true)
    [[ -n $clang ]] && break
  done
  if [[ -z $clang ]]; then
    echo "fuzz: no clang++ here; scripts/deps.sh fuzz installs one" >&2
    exit 1
  fi
  options+=(-DCMAKE_CXX_COMPILER="$clang")
fi
mkdir -p build
log=build/$preset.configure.log
if ! cmake --preset "$preset" "${options[@]}" >"$log" 2>&1; then
  cat "$log" >&2
  exit 1
fi
targets=()
for target in "$@"; do targets+=(--target "$target"); done
cmake --build "build/$preset" -j "${JOBS:-$(nproc)}" "${targets[@]}"
