#!/bin/bash
# A Debian root file system with everything that monitord's package depends on, for containers and for other machines.
#
#   tests/system/make_root.sh bookworm|trixie [amd64|arm64 [machine]]      as root; needs mmdebstrap and a network
#
# "machine" adds a kernel with its modules, v4l2loopback among them, and what plays, shows and feeds pictures. Prints
# the folder. It is made once and kept in $MONITORD_ROOTS (default: monitord-roots in the folder for temporary files);
# whoever uses it must leave it as it is: boot or mount it with an overlay. 90 s; arm64, emulated, 5 minutes.
set -euo pipefail

suite=${1:?usage: make_root.sh bookworm|trixie [amd64|arm64]}
arch=${2:-amd64}
roots=${MONITORD_ROOTS:-${TMPDIR:-/tmp}/monitord-roots}
kind=${3:-}
root=$roots/$suite-$arch${kind:+-$kind}
# What the package depends on, what a machine with a service manager has, and what the tests look with.
packages=systemd,systemd-sysv,dbus,udev,python3,python3-venv,libportaudio2,libseccomp2,libasound2-plugins,libpulse0
packages+=,procps,strace,iproute2,bash-completion
if [ "$kind" = machine ]; then
    packages+=,linux-image-$arch,linux-headers-$arch,initramfs-tools,kmod,v4l2loopback-dkms,alsa-utils,v4l-utils,ffmpeg
    packages+=,qemu-guest-agent
fi

fail() {
    echo "make_root: $*" >&2
    exit 1
}
[ "$(id -u)" -eq 0 ] || fail "needs root: it makes a root file system"
command -v mmdebstrap >/dev/null || fail "mmdebstrap is missing: apt-get install mmdebstrap"

mkdir -p "$roots"
exec 9>>"$root.lock"
flock 9
# What the root was made of, beside it: another list makes another root.
if [ "$(cat "$root.packages" 2>/dev/null)" != "$packages" ]; then
    rm -rf --one-file-system "$root" "$root.part"
    conf=$(mktemp)
    trap 'rm -rf --one-file-system "$conf" "$root.part"' EXIT
    # This machine's own way to Debian's packages, mirrors and proxies included, is lent.
    apt-config dump Acquire | grep -v '^Acquire::\(Languages\|IndexTargets\|Changelogs\)' >"$conf" || true
    # shellcheck disable=SC2016 # the format is apt's, not the shell's
    mirror=$(apt-get indextargets --format '$(REPO_URI)' 2>/dev/null | grep -m1 '/debian/$' || true)
    mmdebstrap --quiet --variant=important --architectures="$arch" --aptopt="$conf" --aptopt='Acquire::Languages "none"' \
        --dpkgopt=force-unsafe-io --dpkgopt='path-exclude=/usr/share/doc/*' --dpkgopt='path-exclude=/usr/share/locale/*' \
        --include="$packages" "$suite" "$root.part" ${mirror:+"$mirror"} >&2
    mv "$root.part" "$root"
    echo "$packages" >"$root.packages"
fi
echo "$root"
