#!/usr/bin/env bash
# BuildKit v0.32.2, Control.ListenBuildHistory: COMPLETE does not say that a build has just ended.
# Of each build, a failed one too, it comes twice: at the end, and again when the trace is saved,
# three seconds later or when a client has the record finalized. It comes once more when the record
# is pinned, however long ago the build was. A listener that asked for ActiveOnly gets all of them,
# also of builds that ended before it listened. The record's Generation grows each time.
#
# Seen:   listening before the build -> STARTED 0, COMPLETE 0, 3 s later COMPLETE 1 with the trace,
#                                       COMPLETE 2 pinned, DELETED 0
#         listening after its end    -> COMPLETE 2 pinned, DELETED 0
#
# So who counts builds, or tells of their ends, has to remember which were told or take Generation 0
# alone; and who wants the trace has to wait for the second. Needs Go, and root for an engine of its
# own, which makes a file from nothing, runs no container and talks to no registry.
set -euo pipefail
work=$(mktemp -d)
engine=
trap '[ -z "$engine" ] || { kill "$engine" && wait "$engine"; } || true
    chmod -R u+w "$work"; rm -rf "$work"' EXIT
cd "$work"
cat >main.go <<'GO'
package main

import (
	"context"
	"fmt"
	"os"
	"time"

	control "github.com/moby/buildkit/api/services/control"
	"github.com/moby/buildkit/client"
	"github.com/moby/buildkit/client/llb"
)

type event struct {
	*control.BuildHistoryEvent
	at time.Time
}

func check(err error) {
	if err != nil {
		panic(err)
	}
}

func listen(ctx context.Context, c *client.Client) <-chan event {
	stream, err := c.ControlClient().ListenBuildHistory(ctx,
		&control.BuildHistoryRequest{ActiveOnly: true})
	check(err)
	time.Sleep(time.Second) // the engine does not tell when it begins to listen
	events := make(chan event, 100)
	go func() {
		for {
			ev, err := stream.Recv()
			if err != nil {
				return
			}
			events <- event{ev, time.Now()}
		}
	}()
	return events
}

func tell(who string, events <-chan event) event {
	ev := <-events
	r := ev.Record
	fmt.Printf("%s: %v %d trace=%v pinned=%v\n", who, ev.Type, r.Generation, r.Trace != nil, r.Pinned)
	return ev
}

func build(ctx context.Context, c *client.Client, what *llb.FileAction) error {
	def, err := llb.Scratch().File(what).Marshal(ctx)
	check(err)
	_, err = c.Solve(ctx, def, client.SolveOpt{}, nil)
	return err
}

func update(ctx context.Context, c *client.Client, req *control.UpdateBuildHistoryRequest) {
	_, err := c.ControlClient().UpdateBuildHistory(ctx, req)
	check(err)
}

func main() {
	ctx := context.Background()
	c, err := client.New(ctx, os.Args[1])
	check(err)
	before := listen(ctx, c)
	check(build(ctx, c, llb.Mkfile("/file", 0o644, nil)))
	tell("before", before)
	end := tell("before", before)
	again := tell("before", before)
	gap := again.at.Sub(end.at).Round(time.Second)
	fmt.Println("same build:", end.Record.Ref == again.Record.Ref, "apart:", gap)

	after := listen(ctx, c)
	update(ctx, c, &control.UpdateBuildHistoryRequest{Ref: end.Record.Ref, Pinned: true})
	tell("before", before)
	tell("after", after)
	update(ctx, c, &control.UpdateBuildHistoryRequest{Ref: end.Record.Ref, Delete: true})
	tell("before", before)
	tell("after", after)

	fmt.Println("failed:", build(ctx, c, llb.Rm("/none")) != nil)
	tell("before", before)
	end = tell("before", before)
	update(ctx, c, &control.UpdateBuildHistoryRequest{Ref: end.Record.Ref, Finalize: true})
	again = tell("before", before)
	fmt.Println("same build:", end.Record.Ref == again.Record.Ref)
}
GO
cat >engine.go <<'GO'
//go:build tools

package main

import _ "github.com/moby/buildkit/cmd/buildkitd"
GO
export CGO_ENABLED=0
go mod init finding >/dev/null 2>&1
go get github.com/moby/buildkit@v0.32.2 >/dev/null 2>&1
go mod tidy >/dev/null 2>&1
go build -o watch .
go build -o buildkitd github.com/moby/buildkit/cmd/buildkitd
./buildkitd --root "$work/root" --addr "unix://$work/buildkitd.sock" \
    --otel-socket-path "$work/otel.sock" --containerd-worker=false \
    --oci-worker=true --oci-worker-binary=true >log 2>&1 &
engine=$!
for _ in $(seq 300); do
    [ ! -S buildkitd.sock ] || break
    sleep 0.1
done
timeout 60 ./watch "unix://$work/buildkitd.sock" | tee seen
diff seen - <<'SEEN'
before: STARTED 0 trace=false pinned=false
before: COMPLETE 0 trace=false pinned=false
before: COMPLETE 1 trace=true pinned=false
same build: true apart: 3s
before: COMPLETE 2 trace=true pinned=true
after: COMPLETE 2 trace=true pinned=true
before: DELETED 0 trace=false pinned=false
after: DELETED 0 trace=false pinned=false
failed: true
before: STARTED 0 trace=false pinned=false
before: COMPLETE 0 trace=false pinned=false
before: COMPLETE 1 trace=true pinned=false
same build: true
SEEN
echo "as seen before"
