#!/usr/bin/env bash
# Looks for everything `hack/up` needs and cannot get by itself, and reports all that is missing at once. Runs before
# anything is started or installed, so it asks for nothing but bash and the base system: Node may be what is missing.
#
#   preflight.sh [full|control-plane] <state folder> <cache folder>
#
# Exit code 0: ready. 1: every problem on a line of its own on standard error, with its remedy.
# PREFLIGHT_ROOT stands for / where it reads /proc and /sys (tests).
set -uo pipefail

profile=$1 state=$2 cache=$3
root=${PREFLIGHT_ROOT:-}
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
problems=()
problem() { problems+=("$1"); }

at_least() { # <version> <minimum>
  [[ $(printf '%s\n%s\n' "$2" "$1" | sort -V | head -n1) == "$2" ]]
}

check_version() { # <what> <found, or empty> <minimum> <remedy>
  if [[ -z $2 ]]; then
    problem "$1 is not installed; $3 or newer is needed. Remedy: $4"
  elif ! at_least "$2" "$3"; then
    problem "$1 is too old: $2 was found, $3 or newer is needed. Remedy: $4"
  fi
}

version_in() { grep -oE '[0-9]+(\.[0-9]+)+' | head -n1; }

node_version=$(node --version 2>/dev/null | version_in)
check_version Node "$node_version" 20.10.0 "install Node 20.10 or newer with npm (the project brings its own Node 24, npm installs it)"
command -v npm >/dev/null 2>&1 || problem "npm is not installed. Remedy: install it together with Node"

go_minimum=$(sed -n 's/^go \([0-9.]*\)$/\1/p' "$here/go/go.mod")
go_version=$(GOTOOLCHAIN=local go version 2>/dev/null | version_in)
check_version Go "$go_version" "$go_minimum" "install Go $go_minimum or newer and put it on the PATH (https://go.dev/dl)"

java_version=$(java -version 2>&1 | sed -n 's/.*version "\([0-9.]*\).*/\1/p' | head -n1)
check_version "A Java runtime" "$java_version" 17 "apt-get install openjdk-17-jdk-headless"
maven_version=$(mvn --version 2>/dev/null | sed 's/\x1b\[[0-9;]*m//g' | head -n1 | version_in)
check_version Maven "$maven_version" 3.6 "apt-get install maven"

# --- the machine -------------------------------------------------------------------------------------------------

free_megabytes() { # <folder, may not exist yet>
  local folder=$1
  while [[ ! -d $folder ]]; do folder=$(dirname "$folder"); done
  df --output=avail --block-size=1M "$folder" | tail -n1 | tr -d ' '
}

if compgen -G "$cache/go/*/kubernetes" >/dev/null; then disk=3000 why="the cluster's data"; else disk=14000 why="the first build"; fi
for folder in "$cache" "$state"; do
  free=$(free_megabytes "$folder")
  if ((free < disk)); then
    problem "Too little disk: $free MB are free for $folder, $why takes $disk MB. Remedy: free some, or set TODOCHATBOT_CACHE_DIR and TODOCHATBOT_STATE_DIR to folders on another disk"
    break
  fi
done

[[ -n $(find "$root/dev/null" -perm -222 2>/dev/null) ]] || problem "Not everybody may write to /dev/null, and PostgreSQL, which does not run as root, does. Remedy: chmod 666 /dev/null"

report() {
  ((${#problems[@]} == 0)) && exit 0
  echo "The dev cluster cannot start yet (${#problems[@]} to solve):" >&2
  printf '  - %s\n' "${problems[@]}" >&2
  exit 1
}
[[ $profile == control-plane ]] && report

# --- what only the full cluster needs ----------------------------------------------------------------------------

[[ $(id -u) == 0 ]] || problem "Not root: containers, network and mounts need it. Remedy: run it with sudo, or on a machine where you are root"
command -v apt-get >/dev/null 2>&1 || problem "No apt-get: containerd, buildah, Redis and others are installed from Debian packages. Remedy: use Debian 12 or a relative, or --provider kind with Docker"

memory=$(awk '/^MemTotal:/ { print int($2 / 1024) }' "$root/proc/meminfo")
((memory >= 7000)) || problem "Too little memory: $memory MB, the cluster with its builds takes 7000 MB. Remedy: use a machine with 8 GB"

grep -qw overlay "$root/proc/filesystems" || modprobe -n overlay 2>/dev/null || problem "The kernel has no overlay file system, which containers live on. Remedy: load the module overlay"
[[ -d $root/proc/sys/net/bridge ]] || modprobe -n br_netfilter 2>/dev/null || problem "The kernel cannot filter bridged traffic, which Services need. Remedy: load the module br_netfilter"
if [[ -f $root/sys/fs/cgroup/cgroup.controllers ]]; then
  controllers=$(cat "$root/sys/fs/cgroup/cgroup.controllers")
else
  controllers=$(awk '!/^#/ && $4 == 1 { print $1 }' "$root/proc/cgroups" 2>/dev/null | tr '\n' ' ')
fi
for controller in cpu memory pids; do
  [[ " $controllers " == *" $controller "* ]] || problem "The cgroup controller $controller is off. Remedy: boot with it enabled (memory: cgroup_enable=memory)"
done

# --- ports: taken by somebody other than this cluster ------------------------------------------------------------

# Socket inodes of our own processes: a second `up` finds its own ports taken, and that is right.
declare -A ours=()
mapfile -t processes < <(grep -lzs "^TODOCHATBOT_DEV=$state|" "$root"/proc/[0-9]*/environ)
if ((${#processes[@]} > 0)); then
  while read -r socket; do ours[${socket//[!0-9]/}]=1; done < <(
    find "${processes[@]/%environ/fd}" -lname 'socket:*' -printf '%l\n' 2>/dev/null
  )
fi

owner_of() { # <socket inode>
  local descriptor
  descriptor=$(find "$root"/proc/[0-9]*/fd -lname "socket:\[$1\]" 2>/dev/null | head -n1)
  [[ -n $descriptor ]] && cat "${descriptor%/fd/*}/comm"
}

while read -r name port; do
  hex=$(printf ':%04X' "$port")
  # Column 2: local address, 4: state (0A listens), 10: inode.
  inode=$(awk -v port="$hex" '$4 == "0A" && substr($2, length($2) - 4) == port { print $10; exit }' \
    "$root/proc/net/tcp" "$root/proc/net/tcp6" 2>/dev/null)
  [[ -z $inode || -n ${ours[$inode]:-} ]] && continue
  owner=$(owner_of "$inode")
  problem "Port $port is taken${owner:+ by $owner}; $name listens there. Remedy: stop what listens on it (is another cluster running on this machine?)"
done < <(sed -n '/^  ports: {/,/^  },/ s/^ *\([a-zA-Z]*\): \([0-9]*\),.*/\1 \2/p' "$here/settings.ts")

report
