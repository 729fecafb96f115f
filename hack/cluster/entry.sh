# Sourced by the scripts in hack/: makes sure the project's own Node and packages are there, and runs TypeScript on it.
# Bash does only what must happen before there is a Node to run TypeScript.

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
node=$root/node_modules/node/bin/node
state=${TODOCHATBOT_STATE_DIR:-/var/lib/todochatbot-dev}
cache=${TODOCHATBOT_CACHE_DIR:-${XDG_CACHE_HOME:-$HOME/.cache}/todochatbot-operator}

# npm writes node_modules/.package-lock.json at the end of an installation: older than the lock file means stale.
install_packages() {
  if [[ ! -x $node || ! -f $root/node_modules/.package-lock.json || $root/package-lock.json -nt $root/node_modules/.package-lock.json ]]; then
    echo "npm ci (packages are missing or older than package-lock.json)"
    # The warning about an unknown option comes from the environment of some machines, not from this project.
    (cd "$root" && npm ci --no-audit --no-fund --loglevel=error) || {
      echo "npm ci failed: see above. Remedy: check the connection to the npm registry and run this again" >&2
      exit 1
    }
  fi
}

# One up or down at a time: they would undo each other. The lock is on the folder that holds the state folder, so it
# leaves no file, and the kernel drops it with the process.
run_alone() { # <script> <arguments…>
  local folder=$state status=0
  while [[ ! -d $folder ]]; do folder=$(dirname "$folder"); done
  [[ $folder == "$state" ]] && folder=$(dirname "$state")
  flock --nonblock --close --conflict-exit-code 75 "$folder" "$node" "$@" || status=$?
  if ((status == 75)); then
    echo "Another ./hack/up or ./hack/down is at work on this machine. Remedy: wait for it to end" >&2
  fi
  exit "$status"
}

# Whether an option with this value is among the arguments: `--profile full` or `--profile=full`.
has_option() { # <option> <value> <arguments…>
  local option=$1 value=$2
  shift 2
  [[ " $* " == *" $option $value "* || " $* " == *" $option=$value "* ]]
}
