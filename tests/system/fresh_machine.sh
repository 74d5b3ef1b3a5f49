#!/bin/bash
# The README's commands on a machine with nothing on it: an empty Debian root, made by mmdebstrap, entered by chroot.
#
#   tests/system/fresh_machine.sh [bookworm|trixie] ['COMMAND' ...]      as root; needs mmdebstrap and a network
#
# Each COMMAND (default: 'demo' 'test') is run as ./monitord.sh COMMAND, twice, and its wall time is printed. The empty
# root is kept as a tar in the user's cache folder; the copy that the commands ran in is removed. Mounts and processes
# live in namespaces of their own and end with this script.
#
# A machine behind a mirror or a proxy reaches packages by its own settings, so apt's and pip's configuration, the
# folders that pip is pointed at and the certificates of this machine are lent to the empty one. Nothing else is.
set -euo pipefail

suite=${1:-bookworm}
shift || true
[ $# -gt 0 ] || set -- demo test
checkout=$(cd "$(dirname "$0")/../.." && pwd -P)
cache=${XDG_CACHE_HOME:-$HOME/.cache}/monitord
empty=$cache/empty-$suite.tar

fail() {
    echo "fresh_machine: $*" >&2
    exit 1
}
[ "$(id -u)" -eq 0 ] || fail "needs root: it makes a root file system and enters it"
command -v mmdebstrap >/dev/null || fail "mmdebstrap is missing: apt-get install mmdebstrap"

work=$(mktemp -d "${TMPDIR:-/tmp}/monitord-fresh.XXXXXX")
trap 'rm -rf --one-file-system "$work"' EXIT
root=$work/root
mkdir "$root"

apt-config dump Acquire | grep -v '^Acquire::\(Languages\|IndexTargets\|Changelogs\)' >"$work/apt.conf" || true
if [ ! -f "$empty" ]; then
    mkdir -p "$cache"
    # shellcheck disable=SC2016 # the format is apt's, not the shell's
    mirror=$(apt-get indextargets --format '$(REPO_URI)' 2>/dev/null | grep -m1 '/debian/$' || true)
    # Only what Debian calls essential, apt, and nothing else: no Python, no certificates.
    mmdebstrap --quiet --variant=minbase --aptopt="$work/apt.conf" "$suite" "$cache/.part-$suite.tar" ${mirror:+"$mirror"}
    mv "$cache/.part-$suite.tar" "$empty"
fi
tar -xf "$empty" -C "$root"

# A path of this machine, at the same place in the empty one.
lend() {
    local path=$1
    [ -e "$path" ] || return 0
    mkdir -p "$root$(dirname "$path")"
    cp -aT "$path" "$root$path"
}
for path in /etc/pip.conf /etc/xdg/pip /etc/ssl/certs /usr/local/share/ca-certificates; do
    lend "$path"
done
cp -L /etc/resolv.conf /etc/hosts "$root/etc/"
cp "$work/apt.conf" "$root/etc/apt/apt.conf.d/99host"
for path in "$HOME/.config/pip" "$HOME/.pip"; do
    [ ! -d "$path" ] || { mkdir -p "$root/root/.config" && cp -aT "$path" "$root/root/${path#"$HOME/"}"; }
done
# An index folder NAME/simple links to files beside it (PEP 503): the folder above is lent.
mapfile -t folders < <(python3 -m pip config list 2>/dev/null |
    grep -oE "/[^' ,]+" | sed -E 's#^/+#/#; s#/simple/?$##' | sort -u | while read -r path; do
        if [ -d "$path" ]; then echo "$path"; fi
    done)
mapfile -t settings < <(env | grep -iE '^(PIP_|SSL_CERT_|REQUESTS_CA_BUNDLE=|CURL_CA_BUNDLE=|(https?|no|all)_proxy=)' || true)

# What git would clone, with what is not committed yet; nothing that git ignores.
mkdir -p "$root/root/monitord"
git -C "$checkout" ls-files -z --cached --others --exclude-standard |
    (cd "$checkout" && while IFS= read -r -d '' file; do [ ! -e "$file" ] || printf '%s\0' "$file"; done) |
    tar -C "$checkout" --null -T - -cf - | tar -C "$root/root/monitord" -xf -

inside() {
    # shellcheck disable=SC2016 # expanded in the inner shell
    unshare --mount --pid --fork --kill-child bash -c '
        set -e
        root=$1; shift
        mount -t proc proc "$root/proc"
        mount --rbind /dev "$root/dev"
        while [ "$1" != -- ]; do
            mkdir -p "$root$1"; mount --bind "$1" "$root$1"; mount -o remount,bind,ro "$root$1"
            shift
        done
        shift
        exec chroot "$root" "$@"' inside "$root" "${folders[@]}" -- \
        env -i HOME=/root PATH=/usr/sbin:/usr/bin:/sbin:/bin LANG=C.UTF-8 "${settings[@]}" \
        bash -c 'cd /root/monitord && exec "$@"' monitord "$@" </dev/null
}

for run in first second; do
    for command in "$@"; do
        echo "== $suite, $run run: ./monitord.sh $command"
        started=$(date +%s.%N)
        # shellcheck disable=SC2086 # a command line, meant to be split
        inside ./monitord.sh $command || fail "./monitord.sh $command failed with $? on an empty $suite ($run run)"
        echo "$started $(date +%s.%N)" | awk -v what="$suite, $run run: ./monitord.sh $command" \
            '{printf "== %s: %.1f s\n", what, $2 - $1}'
    done
done
echo "fresh_machine: passed ($suite, $(inside .venv/bin/python -V))"
