#!/usr/bin/env bash
# clang-tidy of one source of the release build, unless this very text was clean before.
# Environment: TIDY (the program), TIDY_CACHE (a folder). Called by lint.sh.
set -uo pipefail
source=$1

# The compile command, as a list of words; nothing when the file is not part of this build.
command=$(node -e '
  const [database, source] = process.argv.slice(1);
  const entries = JSON.parse(require("fs").readFileSync(database, "utf8"));
  const entry = entries.find((e) => e.file === require("path").resolve(source));
  if (entry) process.stdout.write(entry.command.replace(/^\S*ccache /, "").replace(/ -o \S+ -c /, " -E "));
' build/release/compile_commands.json "$source")
if [[ -z $command ]]; then
  exit 0
fi
# What matters: the words after preprocessing, the comments that silence checks, checks and tool.
# Without the path of this tree, so that clones and worktrees share what is known.
stamp=$( (eval "$command" 2>/dev/null | sed "s#$PWD/##g"; cat .clang-tidy "$source"; "$TIDY" --version) | sha256sum | cut -d ' ' -f 1)
if [[ -e $TIDY_CACHE/$stamp ]]; then
  exit 0
fi
if "$TIDY" -p build/release --quiet --warnings-as-errors='*' \
  --extra-arg=-Wno-unknown-warning-option --extra-arg=-Wno-deprecated-declarations "$source" 2>"$TIDY_CACHE/$stamp.err"; then
  touch "$TIDY_CACHE/$stamp"
  rm -f "$TIDY_CACHE/$stamp.err"
else
  grep -vE '^[0-9]+ warnings? (generated|treated)|^Suppressed|^Use -header-filter' "$TIDY_CACHE/$stamp.err" >&2
  rm -f "$TIDY_CACHE/$stamp.err"
  exit 1
fi
