// The expected side of the golden plain cases: BuildKit's own plain printer, fed a recording in the
// recording's own time. It reads the clock, so it runs inside a bubble of testing/synctest whose
// clock is virtual: that is why this is a test and not a program.
//
//	RECORDING=in.rawjson EXPECTED=out.txt go test -count=1 .
package progressui

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"os"
	"testing"
	"testing/synctest"
	"time"

	"github.com/moby/buildkit/client"
	"github.com/moby/buildkit/util/progress/progressui"
)

func timeOf(ss *client.SolveStatus) time.Time {
	var t time.Time
	later := func(o *time.Time) {
		if o != nil && o.After(t) {
			t = *o
		}
	}
	for _, v := range ss.Vertexes {
		later(v.Started)
		later(v.Completed)
	}
	for _, s := range ss.Statuses {
		later(&s.Timestamp)
	}
	for _, l := range ss.Logs {
		later(&l.Timestamp)
	}
	return t
}

func read(t *testing.T, path string) []*client.SolveStatus {
	dt, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var all []*client.SolveStatus
	sc := bufio.NewScanner(bytes.NewReader(dt))
	sc.Buffer(nil, 64<<20)
	for sc.Scan() {
		ss := &client.SolveStatus{}
		if err := json.Unmarshal(sc.Bytes(), ss); err != nil {
			t.Fatal(err)
		}
		all = append(all, ss)
	}
	return all
}

func TestPlain(t *testing.T) {
	in, out := os.Getenv("RECORDING"), os.Getenv("EXPECTED")
	if in == "" {
		t.Skip("RECORDING is not set")
	}
	all := read(t, in)
	var buf bytes.Buffer
	synctest.Test(t, func(t *testing.T) {
		d, err := progressui.NewDisplay(&buf, progressui.PlainMode)
		if err != nil {
			t.Fatal(err)
		}
		ch := make(chan *client.SolveStatus)
		done := make(chan error)
		go func() {
			_, err := d.UpdateFrom(context.Background(), ch)
			done <- err
		}()
		start := time.Now()
		var first time.Time
		for _, ss := range all {
			if at := timeOf(ss); !at.IsZero() {
				if first.IsZero() {
					first = at
				}
				if wait := at.Sub(first) - time.Since(start); wait > 0 {
					time.Sleep(wait)
				}
			}
			ch <- ss
			synctest.Wait()
		}
		close(ch)
		if err := <-done; err != nil {
			t.Fatal(err)
		}
	})
	if err := os.WriteFile(out, buf.Bytes(), 0o644); err != nil {
		t.Fatal(err)
	}
}
