#!/usr/bin/env bash
# Every path that the README, the architecture page or an ADR names (in backticks, or as a link) must be in the tree.
set -euo pipefail
cd "$(dirname "$0")/.."
failed=0
for page in README.md CONTRIBUTING.md docs/*.md docs/adr/[0-9]*.md; do
  dir=$(dirname "$page")
  while read -r path; do
    [ -e "$path" ] || { echo "$page: names '$path', which is not in the tree"; failed=1; }
  done < <(grep -oE '`(lib|sidecar|adapter|demo|bench|tests|docs|scripts|cmake|examples)/[A-Za-z0-9_./-]*`' "$page" | tr -d '`' | sort -u)
  while read -r link; do
    [ -e "$dir/$link" ] || { echo "$page: links to '$link', which is not in the tree"; failed=1; }
  done < <(grep -oE '\]\([^)#:]+\)' "$page" | sed 's/^](//; s/)$//' | sort -u)
done
exit $failed
