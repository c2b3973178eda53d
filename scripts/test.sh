#!/usr/bin/env bash
# Runs every test there is, part by part, and adds up:
#   unit         ctest of the release build: GoogleTest, corpus replays, a short simulation
#   sanitized    the cores, the libraries and the corpus again, under ASan and UBSan
#   <package>    `npm test` of each npm package: adapter, demo, tests/integration, …
# A part that fails does not keep the others from running. A part that ran nothing, or whose
# runner failed without naming a test, counts as a failure. Ends with "N passed, N failed".
# scripts/test.sh [part...] runs only these.
set -uo pipefail
cd "$(dirname "$0")/.." || exit 1
# shellcheck source=scripts/npm.sh
source scripts/npm.sh

mkdir -p build/test
jobs=${JOBS:-$(nproc)}
passed=0
failed=0
summary=()

# record <part> <passed> <failed> <skipped> <status of the runner>
record() {
  local part=$1 good=$2 bad=$3 skipped=$4 status=$5 note=""
  if ((good + bad == 0)); then
    bad=1 note=" (ran no test)"
  elif ((bad == 0 && status != 0)); then
    bad=1 note=" (the runner failed: exit $status)"
  fi
  ((skipped == 0)) || note+=" ($skipped skipped)"
  passed=$((passed + good))
  failed=$((failed + bad))
  summary+=("$(printf '  %-18s %5d passed, %d failed%s' "$part" "$good" "$bad" "$note")")
}

# junit <file> <attribute>: of the outermost element.
junit() {
  sed -n "s/.*<testsuite [^>]*\b$2=\"\([0-9]*\)\".*/\1/p;T;q" <(tr '\n\t' '  ' <"$1")
}

# ctest_part <part> <preset> [ctest option...]
ctest_part() {
  local part=$1 preset=$2 report=$PWD/build/test/$1.xml status=0
  shift 2
  rm -f "$report"
  ctest --test-dir "build/$preset" --output-on-failure --output-junit "$report" -j "$jobs" "$@" |
    grep -vE '^ *(Start )? *[0-9]+(/[0-9]+ Test +#.* Passed |: )' || true
  status=${PIPESTATUS[0]}
  if [[ ! -s $report ]]; then
    record "$part" 0 0 0 "$status"
    return
  fi
  local tests bad disabled skipped
  tests=$(junit "$report" tests) bad=$(junit "$report" failures)
  disabled=$(junit "$report" disabled) skipped=$(junit "$report" skipped)
  record "$part" $((tests - bad - disabled - skipped)) "$bad" $((disabled + skipped)) "$status"
}

unit() {
  if ! scripts/cmake.sh release; then
    record unit 0 1 0 1
    return
  fi
  ctest_part unit release
}

sanitized() {
  local targets=()
  # Configures; the default build would also instrument what is tested end to end elsewhere.
  if ! scripts/cmake.sh asan sm_base; then
    record sanitized 0 1 0 1
    return
  fi
  mapfile -t targets < <(cmake --build build/asan --target help |
    sed -nE 's/^(tests_core|tests_dropin|tests_lib|tests_sim|fuzzers):.*/\1/p')
  if ! scripts/cmake.sh asan "${targets[@]}"; then
    record sanitized 0 1 0 1
    return
  fi
  ctest_part sanitized asan -L '^(tests_core|tests_dropin|tests_lib|tests_sim|fuzz)$'
}

# counted <word>: the sum over the summaries that `node --test` prints, as TAP or as text.
counted() {
  awk -v word="$1" '($1 == "#" || $1 == "ℹ") && $2 == word && NF == 3 { n += $3 } END { print n + 0 }' \
    "$2"
}

# npm_part <folder>
npm_part() {
  local folder=$1 status log
  log=build/test/$(tr / - <<<"$folder").log
  if ! npm_install "$folder"; then
    record "$folder" 0 1 0 1
    return
  fi
  (cd "$folder" && NO_COLOR=1 npm test --silent </dev/null) 2>&1 | tee "$log.all" |
    grep -vE '^ *(ok [0-9]+|# Subtest|---|\.\.\.|(duration_ms|type):|1\.\.[0-9]+|✔)' || true
  status=${PIPESTATUS[0]}
  sed 's/\x1b\[[0-9;]*m//g' "$log.all" >"$log"
  rm -f "$log.all"
  record "$folder" "$(counted pass "$log")" $(($(counted fail "$log") + $(counted cancelled "$log"))) \
    $(($(counted skipped "$log") + $(counted todo "$log"))) "$status"
}

parts=("$@")
if ((${#parts[@]} == 0)); then
  parts=(unit sanitized)
  while read -r folder; do parts+=("$folder"); done < <(npm_packages test)
fi

built=
for part in "${parts[@]}"; do
  echo "== $part"
  case "$part" in
    unit | sanitized) "$part" ;;
    *)
      # The packages run real sidecars, the built adapter and the demo.
      if [[ -z $built ]]; then
        built=yes
        scripts/build.sh demo || record build 0 1 0 1
      fi
      npm_part "$part"
      ;;
  esac
done

echo
printf '%s\n' "${summary[@]}"
echo
echo "$passed passed, $failed failed"
((failed == 0))
