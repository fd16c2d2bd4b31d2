#!/usr/bin/env bash
# tonistiigi/fsutil v0.0.0-20260717003753-6d9dc2ebad62, by which docker buildx sends a build's
# context: a file that its sender may not read arrives as an empty file of the right name and mode,
# and both sides end without an error. The walk announces the file by its directory entry; when its
# bytes are asked for, the error of opening it is dropped, and only the end of the file is sent.
#
# Seen:   send: <nil>, receive: <nil>; open 5 bytes, shut 0 bytes (it has 5)
#
# So an exit code of 0 does not tell that a context was sent whole, and a tool that offers the same
# protocol has to stop by itself where a file cannot be read. Needs Go, and setpriv when run as root.
set -euo pipefail
work=$(mktemp -d)
trap 'chmod -R u+w "$work"; rm -rf "$work"' EXIT
cd "$work"
cat >main.go <<'GO'
package main

import (
	"context"
	"fmt"
	"io"
	"os"

	"github.com/tonistiigi/fsutil"
	"github.com/tonistiigi/fsutil/types"
)

type end struct {
	ctx     context.Context
	in, out chan []byte
}

func (e *end) Context() context.Context { return e.ctx }

func (e *end) SendMsg(m any) error {
	data, err := m.(*types.Packet).MarshalVT()
	if err == nil {
		e.out <- data
	}
	return err
}

func (e *end) RecvMsg(m any) error {
	data, ok := <-e.in
	if !ok {
		return io.EOF
	}
	p := m.(*types.Packet)
	p.Reset()
	return p.UnmarshalVT(data)
}

func main() {
	ctx := context.Background()
	a, b := make(chan []byte, 1000), make(chan []byte, 1000)
	from, err := fsutil.NewFS("from")
	if err != nil {
		panic(err)
	}
	sent := make(chan error)
	go func() {
		err := fsutil.Send(ctx, &end{ctx, a, b}, from, nil)
		close(b)
		sent <- err
	}()
	received := fsutil.Receive(ctx, &end{ctx, b, a}, "to", fsutil.ReceiveOpt{})
	fmt.Printf("send: %v, receive: %v\n", <-sent, received)
	for _, name := range []string{"open", "shut"} {
		st, err := os.Stat("to/" + name)
		if err != nil {
			panic(err)
		}
		fmt.Println(name, st.Size())
	}
}
GO
go mod init finding >/dev/null 2>&1
go get github.com/tonistiigi/fsutil@v0.0.0-20260717003753-6d9dc2ebad62 >/dev/null 2>&1
go build -mod=mod -o send .
mkdir from to
printf hello >from/open
printf hello >from/shut
chmod 755 "$work"
chmod 0 from/shut
as=()
if [ "$(id -u)" -eq 0 ]; then
    chown -R 65534:65534 from to
    as=(setpriv --reuid 65534 --regid 65534 --clear-groups)
fi
timeout 60 "${as[@]}" ./send | tee seen
diff seen - <<'SEEN'
send: <nil>, receive: <nil>
open 5
shut 0
SEEN
echo "as seen before"
