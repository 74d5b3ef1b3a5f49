#!/bin/sh
# Sets monitord up in this checkout where that is still to do, then runs it: ./monitord.sh COMMAND [ARGUMENT...]
#
#   ./monitord.sh demo          the main job on the bundled scene; needs no microphone, camera or network
#   ./monitord.sh test [ARG...] the tests; arguments go to pytest
#   ./monitord.sh run --config my.toml, check, replay, ...: any command of monitord
#
# Setting up means: Debian's packages by apt (as root or by sudo), only those that are missing; Python's packages into
# .venv beside this file. It can be interrupted anywhere: the next start goes on. MONITORD_PYTHON names another Python.
#
# Everything about setting up goes to stderr, so that `monitord.sh replay --json` has nothing but JSON on stdout.
set -eu

here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd -P)
venv=$here/.venv

say() { printf 'monitord: %s\n' "$*" >&2; }
fail() {
    say "$*"
    exit 1
}

# The oldest Python that the code runs on, and the first one that has no LiteRT wheel.
python_fits() {
    "$1" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] < (3, 15))' 2>/dev/null
}

find_python() {
    for name in ${MONITORD_PYTHON:-python3 python3.13 python3.12 python3.11 python3.14}; do
        if python_fits "$name"; then
            command -v "$name"
            return 0
        fi
    done
    return 1
}

has_library() {
    "$python" -c 'import sys, ctypes.util; sys.exit(ctypes.util.find_library(sys.argv[1]) is None)' "$1" 2>/dev/null
}

# What Debian's packages are still needed, one line.
missing_packages() {
    if python=$(find_python); then
        if ! "$python" -c 'import ctypes.util, ensurepip, venv' 2>/dev/null; then
            echo "$(basename "$python") $(basename "$python")-venv"
        fi
        has_library portaudio || echo libportaudio2
        has_library seccomp || echo libseccomp2
    else
        echo python3 python3-venv libportaudio2 libseccomp2
    fi | tr '\n' ' '
}

install_packages() {
    packages=$1
    command -v apt-get >/dev/null ||
        fail "needs ${packages}(Debian's names), and there is no apt-get here to install them: use this system's own."
    as_root=
    if [ "$(id -u)" -ne 0 ]; then
        command -v sudo >/dev/null || fail "needs packages and there is no sudo; as root, run: apt-get install $packages"
        as_root=sudo
    fi
    say "installing $packages(Debian packages, once)"
    # A package list that is missing or old shows as a failed install: only then is it worth fetching.
    # No question is asked, and a configuration file that the owner changed stays as it is (confold).
    # shellcheck disable=SC2086 # a list of names, meant to be split
    set -- $as_root env DEBIAN_FRONTEND=noninteractive apt-get -qq -y -o DPkg::Lock::Timeout=300 \
        -o Dpkg::Use-Pty=0 -o Dpkg::Options::=--force-confold
    # shellcheck disable=SC2086
    if ! "$@" install --no-install-recommends $packages >/dev/null 2>&1; then
        "$@" update >&2 || fail "the list of Debian packages could not be fetched: is there a network? Then run this again."
        if ! said=$("$@" install --no-install-recommends $packages 2>&1); then
            printf '%s\n' "$said" >&2
            fail "could not install $packages: the lines above are apt's; run this again when that is mended."
        fi
    fi
}

# What the environment was made from: other text here means that it is to be brought up to date.
fingerprint() {
    printf '%s %s %s\n' "$1" "$here" "$(readlink -f "$venv/bin/python" || true)"
    sha256sum <"$here/pyproject.toml"
}

is_ready() {
    [ -x "$venv/bin/python" ] && [ -f "$venv/ready-$1" ] && [ "$(cat "$venv/ready-$1")" = "$(fingerprint "$1")" ]
}

make_environment() {
    [ "$(uname -s)" = Linux ] || fail "runs on Linux (Debian 12 or later, Raspberry Pi OS), not on $(uname -s)."
    if [ "$(uname -m)" = aarch64 ] && [ "$(getconf LONG_BIT 2>/dev/null)" = 32 ]; then
        fail "needs the 64-bit Raspberry Pi OS: its model runtime has no package for 32-bit programs on this kernel."
    fi
    if ! { [ -w "$here" ] && mkdir -p "$venv" 2>/dev/null && [ -w "$venv" ]; }; then
        fail "cannot write to $here, where its Python packages go: use a copy that $(id -un) may write to."
    fi
    packages=$(missing_packages)
    [ -z "$packages" ] || install_packages "$packages"
    python=$(find_python) ||
        fail "needs Python 3.11 to 3.14 (Debian 12, Raspberry Pi OS bookworm or later); here is $(python3 -V 2>&1 || true)."

    if ! "$venv/bin/python" -m pip --version >/dev/null 2>&1 || [ "$("$venv/bin/python" -V)" != "$("$python" -V)" ]; then
        say "making an environment for $("$python" -V) in $venv"
        "$python" -m venv --clear "$venv" >&2 || fail "could not make $venv: the lines above say why."
    fi
    say "installing Python packages (once; a few minutes on a Raspberry Pi)"
    quiet=--quiet
    [ ! -t 2 ] || quiet=
    # shellcheck disable=SC2086 # empty means no argument
    "$venv/bin/python" -m pip install $quiet --disable-pip-version-check --editable "$here$2" >&2 ||
        fail "Python packages could not be installed (is there a network?): the lines above are pip's; run this again."
    fingerprint "$1" >"$venv/ready-$1"
}

# The environment of `test` has all that `run` needs.
is_ready_for() { is_ready "$1" || is_ready test; }

ensure() {
    is_ready_for "$1" && return 0
    # Two first starts at once would spoil each other's environment; the lock is on the folder and leaves no file.
    exec 9<"$here"
    flock 9
    is_ready_for "$1" || make_environment "$1" "$2"
    exec 9<&-
}

if [ "${1-}" = test ]; then
    shift
    ensure test '[dev]'
    cd "$here"
    [ $# -gt 0 ] || set -- -n auto # All of them: as many at a time as there are processors.
    exec "$venv/bin/python" -m pytest "$@"
fi
ensure run ''
exec "$venv/bin/monitord" "$@"
