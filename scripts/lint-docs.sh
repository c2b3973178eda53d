#!/usr/bin/env bash
# Every path that the README, the architecture page or an ADR names (in backticks, or as a link) must be in the tree.
set -euo pipefail
cd "$(dirname "$0")/.."
failed=0
for page in README.md CONTRIBUTING.md docs/*.md docs/adr/[0-9]*.md; do
  dir=$(dirname "$page")
  while read -r path; do
    [ -e "$path" ] || { echo "$page: names '$path', which is not in the tree"; failed=1; }
  done < <(grep -oE '`(lib|sidecar|adapter|demo|bench|tests|docs|scripts|cmake|examples|crds|operator|charts|e2e)/[A-Za-z0-9_./-]*`' "$page" | tr -d '`' | sort -u)
  while read -r link; do
    [ -e "$dir/$link" ] || { echo "$page: links to '$link', which is not in the tree"; failed=1; }
  done < <(grep -oE '\]\([^)#:]+\)' "$page" | sed 's/^](//; s/)$//' | sort -u)
done

# Every field of the CRD is in docs/resource.md, and the reverse. What is Kubernetes' own (the pod
# template, metrics, selectors, conditions) is explained there.
crd=crds/socketmeshes.socketmesh.io.yaml
fields=$(awk '
  /^ *[A-Za-z][A-Za-z0-9-]*:/ {
    indent = match($0, /[^ ]/) - 1
    key = $1
    sub(/:.*/, "", key)
    while (depth > 0 && indents[depth] >= indent) depth--
    parent = depth > 0 ? keys[depth] : ""
    indents[++depth] = indent
    keys[depth] = key
    paths[depth] = paths[depth - 1]
    if (parent == "properties") {
      paths[depth] = (paths[depth - 1] == "" ? "" : paths[depth - 1] ".") key
      print paths[depth]
    }
  }' "$crd" | grep -E '^(spec|status)\.' |
  grep -vE '^(spec\.template|spec\.autoscaling\.metrics|spec\.monitoring\.from|status\.conditions)\.' | sort -u)
documented=$(grep -E '^\| `' docs/resource.md | cut -d '|' -f 2 | grep -oE '`(spec|status)\.[A-Za-z.]+`' |
  tr -d '`' | sort -u)
while read -r field; do
  echo "docs/resource.md and $crd: only one of them has '$field'"
  failed=1
done < <(comm -3 <(echo "$fields") <(echo "$documented") | tr -d '\t')
exit $failed
