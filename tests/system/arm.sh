#!/bin/bash
# The package and the fast part of the tests on 64-bit Arm: an emulated Debian, entered by chroot.
#
#   tests/system/arm.sh PACKAGE.deb bookworm     as root; needs qemu-user-static, binfmt-support, mmdebstrap, a network
#
# What the kernel does for a process (seccomp, Landlock) is not to be had under this emulation, so tests of that are left
# to a real machine; so are those that time out on a processor that is some 20 times slower.
set -euo pipefail

package=$(readlink -f "$1")
suite=$2
checkout=$(cd "$(dirname "$0")/../.." && pwd -P)
fail() {
    echo "arm: $*" >&2
    exit 1
}
[ "$(id -u)" -eq 0 ] || fail "needs root: it enters a root file system"
mountpoint -q /proc/sys/fs/binfmt_misc || mount -t binfmt_misc binfmt_misc /proc/sys/fs/binfmt_misc
update-binfmts --enable qemu-aarch64 || fail "the emulator is missing: apt-get install qemu-user-static binfmt-support"
lower=$("$(dirname "$0")/make_root.sh" "$suite" arm64)

work=$(mktemp -d "${TMPDIR:-/tmp}/monitord-arm.XXXXXX")
# shellcheck disable=SC2317 # called by trap
end() {
    umount -R "$work/root" 2>/dev/null || true
    rm -rf --one-file-system "$work"
}
trap end EXIT
mkdir "$work/upper" "$work/work" "$work/root" "$work/wheels"
mount -t overlay monitord-arm -o "lowerdir=$lower,upperdir=$work/upper,workdir=$work/work" "$work/root"
for kind in proc dev sys; do
    mount --rbind --make-rslave "/$kind" "$work/root/$kind"
done
# The model runtime asks /proc/cpuinfo what the processor can do, and breaks when it reads of another kind than its own:
# the emulator shows this machine's. So it is told of a Raspberry Pi 4's, and the emulator is one too.
for number in 0 1 2 3; do
    printf '%s\t: %s\n' processor $number Features 'fp asimd evtstrm crc32 cpuid' 'CPU implementer' 0x41 \
        'CPU architecture' 8 'CPU variant' 0x0 'CPU part' 0xd08 'CPU revision' 3
    echo
done >"$work/cpuinfo"
mount --bind "$work/cpuinfo" "$work/root/proc/cpuinfo"
inside() {
    chroot "$work/root" env -i HOME=/root PATH=/usr/sbin:/usr/bin:/sbin:/bin LANG=C.UTF-8 QEMU_CPU=cortex-a72 \
        MONITORD_EMULATED=1 "$@" \
        </dev/null
}

# What the tests need beside the package, fetched here for there.
python=$(inside python3 -c 'import sys; print("%d.%d" % sys.version_info[:2])')
platforms=(--platform manylinux2014_aarch64)
for minor in $(seq 17 36); do platforms+=(--platform "manylinux_2_${minor}_aarch64"); done
mapfile -t tools < <(python3 -c 'import sys, tomllib
for each in tomllib.load(open(sys.argv[1], "rb"))["project"]["optional-dependencies"]["dev"]:
    if not each.startswith(("mypy", "ruff")): print(each)' "$checkout/pyproject.toml")
python3 -m pip --quiet --disable-pip-version-check download --dest "$work/wheels" --only-binary=:all: \
    --implementation cp --python-version "$python" --abi "cp${python/./}" --abi abi3 --abi none "${platforms[@]}" "${tools[@]}"

started=$SECONDS
cp "$package" "$work/root/root/package.deb"
inside env DEBIAN_FRONTEND=noninteractive dpkg -i /root/package.deb || fail "the package does not install"
echo "arm: installed in $((SECONDS - started)) s"
inside monitord version
inside file -L /opt/monitord/bin/python 2>/dev/null || inside python3 -c 'import os; print(os.uname().machine)'
mkdir -p "$work/root/root/wheels" "$work/root/root/checkout"
cp "$work"/wheels/*.whl "$work/root/root/wheels/"
git -C "$checkout" ls-files -z --cached --others --exclude-standard |
    (cd "$checkout" && while IFS= read -r -d '' file; do [ ! -e "$file" ] || printf '%s\0' "$file"; done) |
    tar -C "$checkout" --null -T - -cf - | tar -C "$work/root/root/checkout" -xf -

# The tests run against what the package installed, not against the checkout's copy of it.
# shellcheck disable=SC2016 # expanded in the inner shell
inside sh -c 'cd /root && for pip in /usr/share/python-wheels/pip-*.whl; do
    /opt/monitord/bin/python -I "$pip/pip" --quiet install --isolated --no-index --no-deps --root-user-action=ignore \
        wheels/*.whl
done && rm -rf checkout/monitord && ln -s /opt/monitord/lib/python3*/site-packages/monitord checkout/monitord'
started=$SECONDS
shift 2
inside sh -c 'cd /root/checkout && exec /opt/monitord/bin/python -m pytest -q -p no:cacheprovider "$@"' sh "$@" ||
    fail "tests failed"
echo "arm: tests passed in $((SECONDS - started)) s"
