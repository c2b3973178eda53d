# shellcheck shell=bash
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
