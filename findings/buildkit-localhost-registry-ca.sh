#!/usr/bin/env bash
# BuildKit v0.32.2, util/resolver: a CA certificate that the configuration gives for a registry on
# "localhost" is read and then not used. Such a host is spoken to over plain HTTP until the same
# entry also says `http = false`, though `http` is false by default everywhere else.
#
# Seen:   localhost:5000 with ca            -> http
#         localhost:5000 with ca, http=false -> https
#         registry.test:5000 with ca        -> https
#
# So a client that joins or inspects what an engine pushed cannot conclude from "it has a CA" that
# the engine used TLS. Needs Go and openssl; installs into a temporary folder, talks to no registry.
set -euo pipefail
work=$(mktemp -d)
trap 'chmod -R u+w "$work"; rm -rf "$work"' EXIT
cd "$work"
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 1 -subj /CN=ca \
    -keyout ca.key -out ca.pem 2>/dev/null
cat >main.go <<'GO'
package main

import (
	"fmt"

	"github.com/moby/buildkit/util/resolver"
	"github.com/moby/buildkit/util/resolver/config"
)

func main() {
	no := false
	for _, row := range []struct {
		host string
		http *bool
	}{{"localhost:5000", nil}, {"localhost:5000", &no}, {"registry.test:5000", nil}} {
		hosts := resolver.NewRegistryConfig(map[string]config.RegistryConfig{
			row.host: {RootCAs: []string{"ca.pem"}, PlainHTTP: row.http}})
		list, err := hosts(row.host)
		if err != nil {
			panic(err)
		}
		fmt.Println(row.host, row.http != nil, list[0].Scheme)
	}
}
GO
export GOFLAGS=-mod=mod
go mod init finding >/dev/null 2>&1
go get github.com/moby/buildkit@v0.32.2 >/dev/null 2>&1
go mod tidy >/dev/null 2>&1
go run . | tee seen
diff seen - <<'SEEN'
localhost:5000 false http
localhost:5000 true https
registry.test:5000 false https
SEEN
echo "as seen before"
