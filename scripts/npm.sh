# shellcheck shell=bash
# Sourced. npm_packages <script>: the folders whose package has this npm script, the adapter first,
# as the others link to it.
npm_packages() {
  git ls-files --cached --others --exclude-standard -- 'package.json' '*/package.json' |
    xargs -r grep -l "^ *\"$1\":" | xargs -r -n 1 dirname | sort -t / -k 1,1
}

# Sourced. npm_install <folder>: `npm ci`, unless node_modules already holds this very lock file.
npm_install() {
  local folder=$1 stamp=$1/node_modules/.socketmesh-lock lock=$1/package-lock.json
  if [[ -e $lock ]] && cmp -s "$lock" "$stamp"; then
    return
  fi
  if [[ -e $lock ]]; then
    (cd "$folder" && npm ci --no-audit --no-fund --loglevel=error)
    cp "$lock" "$stamp"
  else
    (cd "$folder" && npm install --no-audit --no-fund --loglevel=error)
  fi
}
