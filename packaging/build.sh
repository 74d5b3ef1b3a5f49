#!/bin/bash
# Builds monitord's Debian package: monitord_VERSION~SUITE_ARCH.deb
#
#   packaging/build.sh bookworm|trixie amd64|arm64 [FOLDER]     the package goes to FOLDER (default: dist)
#
# Runs on any Debian or Ubuntu with python3-venv, dpkg-dev and a network; nothing of the target is run, so nothing is
# emulated. The package holds the wheels of everything that pyproject.toml names, for the target's Python, and is
# installed without a network. Messages go to stderr; the package's path is the one line on stdout.
set -euo pipefail

fail() {
    echo "build: $*" >&2
    exit 1
}
usage="usage: packaging/build.sh bookworm|trixie amd64|arm64 [FOLDER]"
[ $# -ge 2 ] || fail "$usage"
suite=$1 arch=$2
here=$(cd "$(dirname "$0")" && pwd -P)
top=$(dirname "$here")
# Each suite's Python and glibc: wheels for newer ones would not load.
case $suite in
bookworm) python=3.11 glibc=36 ;;
trixie) python=3.13 glibc=41 ;;
*) fail "unknown suite '$suite'. $usage" ;;
esac
case $arch in
amd64) machine=x86_64 ;;
arm64) machine=aarch64 ;;
*) fail "unknown architecture '$arch'. $usage" ;;
esac
command -v dpkg-deb >/dev/null || fail "dpkg-deb is missing: apt-get install dpkg"
mkdir -p "${3:-$top/dist}"
out=$(cd "${3:-$top/dist}" && pwd -P)

work=$(mktemp -d "${TMPDIR:-/tmp}/monitord-build.XXXXXX")
trap 'rm -rf --one-file-system "$work"' EXIT
root=$work/root
wheels=$root/usr/share/monitord/wheels
mkdir -p "$wheels"
exec 3>&1 >&2
export PIP_DISABLE_PIP_VERSION_CHECK=1

# The same inputs give the same package: every time stamp is that of the last commit.
SOURCE_DATE_EPOCH=${SOURCE_DATE_EPOCH:-$(git -C "$top" log -1 --format=%ct 2>/dev/null || echo 1767225600)}
export SOURCE_DATE_EPOCH

python3 -m venv "$work/venv" || fail "no environment can be made: apt-get install python3-venv"
pip=("$work/venv/bin/python" -m pip --quiet)
# From a copy, so that nothing of the build is left in the checkout.
mkdir "$work/source"
tar -C "$top" --exclude=__pycache__ -cf - monitord models pyproject.toml README.md LICENSE | tar -C "$work/source" -xf -
"${pip[@]}" wheel --no-deps --wheel-dir "$wheels" "$work/source"
own=("$wheels"/monitord-*.whl)
version=$(basename "${own[0]}" | cut -d- -f2)

platforms=(--platform "linux_$machine" --platform "manylinux2014_$machine")
for minor in $(seq 17 "$glibc"); do
    platforms+=(--platform "manylinux_2_${minor}_$machine")
done
"${pip[@]}" download --dest "$wheels" --only-binary=:all: --implementation cp --python-version "$python" \
    --abi "cp${python/./}" --abi abi3 --abi none "${platforms[@]}" "${own[0]}" ||
    fail "not everything that pyproject.toml names has a wheel for $suite $arch: the lines above say what"
"$work/venv/bin/python" "$here/closure.py" "$wheels" "$python" "$machine"

# The command's own words make the manual pages and the completion: nothing is said twice.
"${pip[@]}" install pydantic
mkdir -p "$root"/usr/share/{man/man1,man/man5,bash-completion/completions,doc/monitord,lintian/overrides}
PYTHONPATH=$work/source "$work/venv/bin/python" "$here/manual.py" "$top/config.example.toml" "$root/usr/share" "$version"
gzip -9n "$root"/usr/share/man/man?/*

install -Dm644 -t "$root/lib/systemd/system" "$here"/systemd/*.{service,socket}
install -Dm644 "$here/systemd/monitord.sysusers" "$root/usr/lib/sysusers.d/monitord.conf"
install -Dm644 "$here/systemd/monitord.tmpfiles" "$root/usr/lib/tmpfiles.d/monitord.conf"
install -Dm644 -t "$root/lib/udev/rules.d" "$here"/systemd/*.rules
install -Dm755 "$here/monitord" "$root/usr/bin/monitord"
install -Dm755 "$here/monitord-failed" "$root/usr/libexec/monitord-failed"
install -dm755 "$root/etc/monitord"
# The example is the configuration, under a heading of its own.
sed -n '/^# A key that is left out/,$p' "$top/config.example.toml" | cat "$here/config-heading.toml" - \
    >"$root/etc/monitord/config.toml"
install -m644 "$here/debian/copyright" "$root/usr/share/doc/monitord/copyright"
install -m644 "$top/CHANGELOG.md" "$top/ward.example.toml" "$root/usr/share/doc/monitord/"
gzip -9n "$root/usr/share/doc/monitord/CHANGELOG.md"
printf 'monitord (%s~%s) %s; urgency=medium\n\n  * See CHANGELOG.md.gz beside this file.\n\n -- %s  %s\n' \
    "$version" "$suite" "$suite" "$(sed -n 's/^Maintainer: //p' "$here/debian/control.in")" \
    "$(date -uRd "@$SOURCE_DATE_EPOCH")" | gzip -9n >"$root/usr/share/doc/monitord/changelog.gz"
install -m644 "$here/debian/lintian-overrides" "$root/usr/share/lintian/overrides/monitord"
find "$root" -type d -exec chmod 755 {} + -o -type f ! -path '*/usr/bin/*' ! -path '*/usr/libexec/*' -exec chmod 644 {} +
chmod 640 "$root/etc/monitord/config.toml"

mkdir "$root/DEBIAN"
sed -e "s/@VERSION@/$version~$suite/" -e "s/@ARCH@/$arch/" -e "s/@PYTHON@/$python/" \
    -e "s/@NEXT@/3.$((${python#3.} + 1))/" -e "s/@SIZE@/$(du -k -s --apparent-size "$root" | cut -f1)/" \
    "$here/debian/control.in" >"$root/DEBIAN/control"
install -m755 "$here"/debian/{postinst,prerm,postrm} "$root/DEBIAN/"
echo /etc/monitord/config.toml >"$root/DEBIAN/conffiles"
(cd "$root" && find . -type f ! -path './DEBIAN/*' -printf '%P\0' | sort -z | xargs -0 md5sum) >"$root/DEBIAN/md5sums"
find "$root" -exec touch -hd "@$SOURCE_DATE_EPOCH" {} +
deb=$out/monitord_$version~${suite}_$arch.deb
# Wheels are compressed already; unpacking them a second time would only cost a small Pi minutes.
dpkg-deb --root-owner-group -Zgzip -z1 --build "$root" "$deb"
echo "$deb" >&3
