#!/usr/bin/env bash
# Fuzzes every decoder: scripts/fuzz.sh <seconds>, split over the targets. New inputs that reach
# new code go to build/fuzz/corpus/<name>; the committed corpus is read, never written. A crash
# fails, and names the input to keep: copy it to tests/fuzz/corpus/<name>/ with the fix.
set -euo pipefail
cd "$(dirname "$0")/.."

seconds=${1:-60}
if ! [[ $seconds =~ ^[1-9][0-9]*$ ]]; then
  echo "fuzz: '$seconds' is not a number of seconds" >&2
  exit 2
fi
shopt -s nullglob
sources=(tests/fuzz/*_fuzz.cpp)
if ((${#sources[@]} == 0)); then
  echo "fuzz: no targets (tests/fuzz/*_fuzz.cpp)" >&2
  exit 1
fi
scripts/cmake.sh fuzz fuzzers

each=$((seconds / ${#sources[@]}))
((each > 0)) || each=1
failed=()
for source in "${sources[@]}"; do
  target=$(basename "$source" .cpp)
  name=${target%_fuzz}
  found=build/fuzz/corpus/$name
  crashes=build/fuzz/crashes/$name
  mkdir -p "$found" "$crashes"
  seeds=()
  [[ -d tests/fuzz/corpus/$name ]] && seeds=("tests/fuzz/corpus/$name")
  log=build/fuzz/$name.log
  status=0
  "build/fuzz/tests/fuzz/$target" -max_total_time="$each" -timeout=10 -rss_limit_mb=1024 \
    -print_final_stats=1 -artifact_prefix="$crashes/" "$found" "${seeds[@]}" >"$log" 2>&1 || status=$?
  runs=$(sed -n 's/^stat::number_of_executed_units: *//p' "$log")
  coverage=$(sed -n 's/.* cov: \([0-9]*\) .*/\1/p' "$log" | tail -n 1)
  echo "fuzz: $name: ${runs:-0} inputs in ${each}s, ${coverage:-0} edges$( ((status == 0)) || echo ", CRASHED")"
  if ((status != 0)); then
    failed+=("$name")
    tail -n 40 "$log" >&2
  fi
done
if ((${#failed[@]} > 0)); then
  echo "fuzz: ${failed[*]} crashed; the inputs are in build/fuzz/crashes" >&2
  exit 1
fi
