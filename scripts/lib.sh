# Shared by the scripts; sourced, not run. shellcheck shell=bash

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
# What is downloaded or compiled once and kept outside the tree.
cache=${DEPOT_CACHE_DIR:-${XDG_CACHE_HOME:-$HOME/.cache}/depot-dev}

say() { printf '==> %s\n' "$*" >&2; }
note() { printf '    %s\n' "$*" >&2; }
die() {
    printf 'error: %s\n' "$1" >&2
    shift
    for hint in "$@"; do printf '  hint: %s\n' "$hint" >&2; done
    exit 1
}

have() { command -v "$1" >/dev/null 2>&1; }

# Run as root: directly, or with sudo.
as_root() {
    if [ "$(id -u)" -eq 0 ]; then "$@"; elif have sudo; then sudo "$@"; else
        die "this needs root: $*" "run it as root, or install sudo"
    fi
}

# apt packages that are not installed yet, one a line.
missing_packages() {
    local p
    for p in "$@"; do
        dpkg-query -W -f='${Status}' "$p" 2>/dev/null | grep -q 'install ok installed' || echo "$p"
    done
}

# install_packages PACKAGE... : only what is missing; apt-get update only when something is.
install_packages() {
    local missing
    missing=$(missing_packages "$@")
    [ -z "$missing" ] && return 0
    have apt-get || die "packages are missing and there is no apt-get:" "install" $missing
    say "installing $(echo "$missing" | tr '\n' ' ')"
    as_root apt-get update -qq
    # shellcheck disable=SC2086
    as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $missing >/dev/null
}

build_packages=(build-essential cmake ninja-build pkg-config git ca-certificates
    libuv1-dev libjson-c-dev libnghttp2-dev libprotobuf-c-dev protobuf-c-compiler protobuf-compiler
    libssl-dev libcurl4-openssl-dev libwebsockets-dev libwebsockets-evlib-uv libsqlite3-dev
    libncurses-dev)
# The same by Homebrew. macOS has some of them too, older ones: those of Homebrew are looked for first.
brew_packages=(cmake ninja pkgconf libuv json-c nghttp2 protobuf-c openssl@3 curl libwebsockets sqlite ncurses cmocka)
brew_paths() {
    local p
    for p in openssl@3 curl sqlite ncurses; do
        PKG_CONFIG_PATH="$(brew --prefix "$p")/lib/pkgconfig${PKG_CONFIG_PATH:+:$PKG_CONFIG_PATH}"
    done
    export PKG_CONFIG_PATH
}

# The package of clang's sanitizer and fuzzer runtimes, which carries the version in its name.
clang_runtime() {
    apt-cache depends clang 2>/dev/null | sed -n 's/.*Depends: clang-\([0-9]*\)$/libclang-rt-\1-dev/p' | head -n 1
}
test_packages=(libcmocka-dev clang "$(clang_runtime)" clang-format clang-tidy python3 python3-websocket curl tmux
    screen mosh openssh-client openssl universal-ctags docker.io docker-registry zstd time strace)
# It listens to the world where it is installed, so only on machines that are thrown away.
[ -z "${CI:-}" ] || test_packages+=(openssh-server)
engine_packages=(runc qemu-user-static)

# The engines are Go programs; this is the oldest that compiles them.
go_is_enough() { have go && [ "$(printf '%s\n' go1.26 "$(go env GOVERSION)" | sort -V | head -n 1)" = go1.26 ]; }

# Configure one preset, and build it or the targets named.
build_preset() { # PRESET [TARGET...]
    local preset=$1
    shift
    cmake --preset "$preset" -S "$root" >/dev/null
    cmake --build "$root/build/$preset" -j "$(getconf _NPROCESSORS_ONLN)" ${1:+--target "$@"}
}
