#!/usr/bin/env bash
# The pure folders stay pure: no I/O, no threads, no clocks, no randomness, no environment, and no
# includes from the wrong side of the arrows (DESIGN.md D9, "Arrows point one way").
# std::chrono durations are values and fine; its clocks are not.
set -euo pipefail
cd "$(dirname "$0")/.."

status=0
# forbid <what is wrong> <pattern> <path>...: comments are not code.
forbid() {
  local reason=$1 pattern=$2 files=() hits
  shift 2
  mapfile -t files < <(git ls-files --cached --others --exclude-standard -- "$@" |
    grep -E '\.(cpp|hpp)$' || true)
  ((${#files[@]})) || return 0
  hits=$(grep -HnE "$pattern" "${files[@]}" | grep -vE '^[^:]+:[0-9]+: *//' || true)
  if [[ -n $hits ]]; then
    printf '%s:\n%s\n' "$reason" "$hits" >&2
    status=1
  fi
}

pure=(sidecar/core operator/api operator/plan operator/webhook lib/kube)
forbid "a pure core includes what only a shell may" \
  '#include *<(boost/|cpprest|yaml-cpp|prometheus/|openssl/|thread|mutex|shared_mutex|condition_variable|atomic|future|stop_token|semaphore|random|fstream|iostream|filesystem|sys/|unistd\.h|pthread\.h|ctime|time\.h|coroutine)' \
  "${pure[@]}"
forbid "a pure core reads a clock, the environment or chance" \
  '(system|steady|high_resolution|utc)_clock|\b(getenv|setenv|rand|srand|random|time|clock_gettime|gettimeofday|getrandom|std::this_thread) *\(|random_device|thread_local' \
  "${pure[@]}"
forbid "a pure core includes a shell or another library than lib/base" \
  '#include *"(sidecar/(shell|dropin)|operator|lib/(config|obs|net|kube))/' sidecar/core
forbid "drop-in does I/O, or includes the shell" \
  '#include *(<(boost/(asio/[^b]|beast/(core|websocket))|openssl/ssl|thread|mutex|chrono|random|fstream|iostream|filesystem|sys/|unistd\.h)|"(sidecar/shell|operator|lib/(config|obs|net|kube))/)|_clock::now' \
  sidecar/dropin
forbid "JSON stays out of the sidecar's core" '#include *<nlohmann/' sidecar/core
forbid "cpprestsdk stays behind operator/kube" '#include *<(cpprest|pplx)/' \
  lib sidecar operator/api operator/plan operator/pki operator/webhook operator/control operator/cli
forbid "the operator includes the sidecar" '#include *"sidecar/' operator
forbid "the sidecar includes the operator" '#include *"operator/' sidecar
forbid "lib includes what stands on it" '#include *"(sidecar|operator)/' lib
forbid "lib/base includes another library" '#include *("lib/(config|obs|net|kube)/|<boost/)' lib/base
exit "$status"
