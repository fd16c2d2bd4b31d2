#!/usr/bin/env bash
# BuildKit v0.32.2, exporter/tar: of `platform-split` it takes one half. Docker's manual gives the
# option to the local exporter alone, yet this one reads it too, refuses a value that is no bool,
# and with false gives each attestation the name it needs where platforms share one folder; but
# their folders stay. With true and one platform there is no folder, where the local exporter makes
# one. What decides is only whether the frontend answered with a map of platforms, which it does for
# several, and for one with its option `multi-platform`.
#
# Seen:   false, two platforms       -> tar   linux_amd64/{file,provenance.linux_amd64.json}
#                                       local file, provenance.linux_amd64.json
#         false, one, multi-platform -> tar   linux_amd64/file
#                                       local file
#         true, one platform         -> tar   file
#                                       local linux_amd64/file
#         maybe                      -> tar   fails
#
# So who unpacks such a tarball cannot tell by the option where files and attestations are in it,
# and a tool that joins tarballs has to look. Needs Go, and root for an engine of its own, which
# copies files, runs no container and talks to no registry.
set -euo pipefail
work=$(mktemp -d)
engine=
trap '[ -z "$engine" ] || { kill "$engine" && wait "$engine"; } || true
    chmod -R u+w "$work"; rm -rf "$work"' EXIT
cd "$work"
cat >engine.go <<'GO'
//go:build tools

package main

import (
	_ "github.com/moby/buildkit/cmd/buildctl"
	_ "github.com/moby/buildkit/cmd/buildkitd"
)
GO
export CGO_ENABLED=0 LC_ALL=C
go mod init finding >/dev/null 2>&1
go get github.com/moby/buildkit@v0.32.2 >/dev/null 2>&1
go mod tidy >/dev/null 2>&1
go build -o . github.com/moby/buildkit/cmd/buildctl github.com/moby/buildkit/cmd/buildkitd
./buildkitd --root "$work/root" --addr "unix://$work/buildkitd.sock" \
    --otel-socket-path "$work/otel.sock" --containerd-worker=false \
    --oci-worker=true --oci-worker-binary=true >log 2>&1 &
engine=$!
for _ in $(seq 300); do
    [ ! -S buildkitd.sock ] || break
    sleep 0.1
done
mkdir context
cat >context/Dockerfile <<'DOCKERFILE'
FROM scratch
ARG TARGETARCH
COPY file-$TARGETARCH /
DOCKERFILE
touch context/file-amd64 context/file-arm64

build() { # OUTPUT PLATFORMS OPTION...
    local output=$1 platforms=$2
    shift 2
    timeout 60 ./buildctl --addr "unix://$work/buildkitd.sock" build --frontend dockerfile.v0 \
        --local context=context --local dockerfile=context --opt "platform=$platforms" "$@" \
        --output "$output" 2>>log
}

show() { # SPLIT PLATFORMS OPTION...
    local split=$1
    shift
    echo "$split, $*"
    rm -rf out out.tar
    build "type=tar,dest=out.tar,platform-split=$split" "$@"
    build "type=local,dest=out,platform-split=$split" "$@"
    tar -tf out.tar | grep -v '/$' | sort | sed 's/^/tar /'
    (cd out && find . -type f) | sed 's/^../local /' | sort
}

{
    show false linux/amd64,linux/arm64 --opt attest:provenance=mode=min
    show false linux/amd64 --opt multi-platform=true
    show true linux/amd64
    build type=tar,dest=out.tar,platform-split=maybe linux/amd64 || echo "maybe, tar fails"
} | tee seen
grep -q 'non-bool value for platform-split: maybe' log
diff seen - <<'SEEN'
false, linux/amd64,linux/arm64 --opt attest:provenance=mode=min
tar linux_amd64/file-amd64
tar linux_amd64/provenance.linux_amd64.json
tar linux_arm64/file-arm64
tar linux_arm64/provenance.linux_arm64.json
local file-amd64
local file-arm64
local provenance.linux_amd64.json
local provenance.linux_arm64.json
false, linux/amd64 --opt multi-platform=true
tar linux_amd64/file-amd64
local file-amd64
true, linux/amd64
tar file-amd64
local linux_amd64/file-amd64
maybe, tar fails
SEEN
echo "as seen before"
