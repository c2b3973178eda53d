#!/usr/bin/env bash
# Format, clang-tidy, purity, shellcheck, and the npm packages' own lint. Runs all, then fails.
# scripts/lint.sh --fast leaves out clang-tidy and npm (the pre-commit hook).
set -uo pipefail
cd "$(dirname "$0")/.." || exit 1
# shellcheck source=scripts/npm.sh
source scripts/npm.sh

newest() {
  local version
  for version in 19 18 17 16 15 14; do
    command -v "$1-$version" && return
  done
  command -v "$1"
}

failed=()
check() {
  local name=$1 start=$SECONDS
  shift
  if "$@"; then
    echo "lint: $name: ok ($((SECONDS - start))s)"
  else
    echo "lint: $name: FAILED" >&2
    failed+=("$name")
  fi
}

tracked() { git ls-files --cached --others --exclude-standard -- "$@"; }

format() {
  local files=()
  mapfile -t files < <(tracked '*.cpp' '*.hpp')
  ((${#files[@]} == 0)) || "$(newest clang-format)" --dry-run -Werror "${files[@]}"
}

# Sources of the release build only; headers through them (HeaderFilterRegex). A source whose
# preprocessed text, checks and tool have not changed since it was clean is not read again.
tidy() {
  scripts/cmake.sh release sm_base >build/lint.log 2>&1 || {
    cat build/lint.log >&2
    return 1
  }
  local sources=()
  mapfile -t sources < <(tracked '*.cpp' | grep -E '^(lib|sidecar|operator|bench|tests/(sim|fuzz))/')
  TIDY=$(newest clang-tidy) TIDY_CACHE=${XDG_CACHE_HOME:-$HOME/.cache}/socketmesh/tidy
  export TIDY TIDY_CACHE
  mkdir -p "$TIDY_CACHE"
  find "$TIDY_CACHE" -type f -mtime +30 -delete
  printf '%s\n' "${sources[@]}" | xargs -P "${JOBS:-$(nproc)}" -n 1 scripts/tidy-one.sh
}

shell() {
  local files=()
  mapfile -t files < <(tracked '*.sh' .ci/run .githooks)
  shellcheck -x -S warning "${files[@]}"
}

npm_lint() {
  npm_install "$1" && (cd "$1" && npm run --silent lint)
}

mkdir -p build
check format format
check purity scripts/lint-pure.sh
check shellcheck shell
check docs scripts/lint-docs.sh
if [[ ${1:-} != --fast ]]; then
  for folder in $(npm_packages lint); do check "$folder" npm_lint "$folder"; done
  check clang-tidy tidy
fi

if ((${#failed[@]} > 0)); then
  echo "lint: failed: ${failed[*]}" >&2
  exit 1
fi
