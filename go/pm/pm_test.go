package pm_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	pmv1 "pm.example/gen/go/pm/v1"
	"pm.example/go/pm"
)

func shell(script string) *pmv1.ProcessSpec {
	return &pmv1.ProcessSpec{Executable: "sh", Args: []string{"-c", script}}
}

func TestOutputStreamsApart(t *testing.T) {
	ctx, client := dial(t)
	process, err := client.Start(ctx, shell("echo out; echo err >&2; exit 3"))
	if err != nil {
		t.Fatal(err)
	}
	var stdout, stderr bytes.Buffer
	end, err := process.Copy(ctx, &stdout, &stderr)
	if err != nil {
		t.Fatal(err)
	}
	if stdout.String() != "out\n" || stderr.String() != "err\n" || end.GetExit().GetCode() != 3 {
		t.Errorf("stdout %q, stderr %q, end %v", &stdout, &stderr, end)
	}
}

func TestOutputSurvivesTheDaemon(t *testing.T) {
	ctx, client := dial(t)
	process, err := client.Start(ctx, shell("i=0; while [ $i -lt 3000 ]; do echo line $i; i=$((i+1)); [ $((i%300)) = 0 ] && sleep 0.05; done"))
	if err != nil {
		t.Fatal(err)
	}
	want := sha256.New()
	for i := range 3000 {
		fmt.Fprintf(want, "line %d\n", i)
	}
	got, killed := sha256.New(), false
	for piece, err := range process.Output(ctx, pm.OutputOptions{}) {
		if err != nil {
			t.Fatal(err)
		}
		if piece.Gap != nil {
			t.Fatalf("gap %v", piece.Gap)
		}
		got.Write(piece.Chunk.GetData())
		if !killed {
			killed = true
			replaceDaemon(t, client)
		}
	}
	if !bytes.Equal(got.Sum(nil), want.Sum(nil)) {
		t.Error("the output is not what was written")
	}
}

func TestDroppedOutputIsReported(t *testing.T) {
	ctx, client := dial(t)
	spec := shell("head -c 100000 /dev/zero")
	spec.Output = &pmv1.OutputPolicy{LimitBytes: 4096}
	process, err := client.Start(ctx, spec)
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := process.Wait(ctx); err != nil {
		t.Fatal(err)
	}
	var kept bytes.Buffer
	_, err = process.Copy(ctx, &kept, &kept)
	var dropped *pm.DroppedError
	if !errors.As(err, &dropped) {
		t.Fatalf("error %v", err)
	}
	missing := uint64(0)
	for _, gap := range dropped.Gaps {
		missing += gap.GetToOffset() - gap.GetFromOffset()
	}
	if missing+uint64(kept.Len()) != 100000 {
		t.Errorf("%d bytes missing and %d kept", missing, kept.Len())
	}
}

func TestHoldLosesNothing(t *testing.T) {
	ctx, client := dial(t)
	spec := shell("head -c 3000000 /dev/zero")
	spec.Output = &pmv1.OutputPolicy{LimitBytes: 65536, WhenFull: pmv1.OutputFullMode_OUTPUT_FULL_MODE_ALLOW_HOLD}
	spec.Stdin = pmv1.StdinMode_STDIN_MODE_PIPE
	spec.Args[1] = "echo ready; read line; " + spec.Args[1]
	process, err := client.Start(ctx, spec)
	if err != nil {
		t.Fatal(err)
	}
	total, begun := 0, make(chan error, 1)
	for piece, err := range process.Output(ctx, pm.OutputOptions{Hold: true}) {
		if err != nil {
			t.Fatal(err)
		}
		if piece.Gap != nil {
			t.Fatalf("gap %v", piece.Gap)
		}
		if total == 0 && piece.Chunk != nil {
			// The stream is open: from here on the run is held.
			go func() { begun <- process.Write(ctx, []byte("go\n")) }()
		}
		total += len(piece.Chunk.GetData())
	}
	if err := <-begun; err != nil {
		t.Error(err)
	}
	if total != len("ready\n")+3000000 {
		t.Errorf("%d bytes", total)
	}
}

func TestReasons(t *testing.T) {
	ctx, client := dial(t)
	_, err := client.Start(ctx, &pmv1.ProcessSpec{Executable: "/no/such"})
	var failure *pm.Error
	if !errors.As(err, &failure) || failure.Reason != pmv1.ErrorReason_ERROR_REASON_START_FAILED {
		t.Fatalf("error %v", err)
	}
	if failure.Metadata["errno_name"] != "ENOENT" {
		t.Errorf("metadata %v", failure.Metadata)
	}
	umask, nice := uint32(0o1000), int32(99)
	_, err = client.Start(ctx, &pmv1.ProcessSpec{Executable: "true", Umask: &umask, Nice: &nice})
	if !errors.As(err, &failure) || len(failure.Violations) != 2 {
		t.Errorf("error %v", err)
	}
	_, err = client.Process(ctx, "nobody")
	if !pm.IsReason(err, pmv1.ErrorReason_ERROR_REASON_PROCESS_NOT_FOUND) {
		t.Errorf("error %v", err)
	}
}

func TestWaitSurvivesTheDaemonAndObeysItsContext(t *testing.T) {
	ctx, client := dial(t)
	process, err := client.Start(ctx, shell("exec sleep 1000"), pm.WithName("waiter"), pm.WithLabels(map[string]string{"test": "wait"}))
	if err != nil {
		t.Fatal(err)
	}
	short, cancel := context.WithTimeout(ctx, 100*time.Millisecond)
	defer cancel()
	if _, _, err := process.Wait(short); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("error %v", err)
	}
	if _, err := process.Stop(ctx, pm.WithForce(), pm.WithGracePeriod(0)); err != nil {
		t.Fatal(err)
	}

	spec := shell("read line; exit 7")
	spec.Stdin = pmv1.StdinMode_STDIN_MODE_PIPE
	if process, err = client.Start(ctx, spec); err != nil {
		t.Fatal(err)
	}
	ended := make(chan *pmv1.ExitStatus, 1)
	go func() {
		exit, _, err := process.Wait(ctx)
		if err != nil {
			t.Error(err)
		}
		ended <- exit
	}()
	replaceDaemon(t, client)
	if err := process.Write(ctx, []byte("end\n")); err != nil {
		t.Fatal(err)
	}
	if exit := <-ended; exit.GetCode() != 7 {
		t.Errorf("exit %v", exit)
	}
}

// The daemon takes 256 calls at a time on a connection: more open another one.
func TestMoreCallsThanAConnectionTakes(t *testing.T) {
	ctx, client := dial(t)
	process, err := client.Start(ctx, shell("echo ready; exec sleep 1000"))
	if err != nil {
		t.Fatal(err)
	}
	const calls = 300
	errs := make(chan error, calls)
	for range calls {
		go func() {
			_, _, err := process.Wait(ctx)
			errs <- err
		}()
	}
	// Done in the middle of them: neither waits for one of the others to end.
	if _, err := process.Get(ctx); err != nil {
		t.Fatal(err)
	}
	if _, err := process.Stop(ctx, pm.WithForce(), pm.WithGracePeriod(0)); err != nil {
		t.Fatal(err)
	}
	for range calls {
		if err := <-errs; err != nil {
			t.Error(err)
		}
	}
}

func TestStopHasAReceipt(t *testing.T) {
	ctx, client := dial(t)
	process, err := client.Start(ctx, shell("trap '' TERM; echo ready; while :; do sleep 1; done"))
	if err != nil {
		t.Fatal(err)
	}
	for piece, err := range process.Output(ctx, pm.OutputOptions{}) {
		if err != nil {
			t.Fatal(err)
		}
		if piece.Chunk != nil {
			break
		}
	}
	receipt, err := process.Stop(ctx, pm.WithGracePeriod(100*time.Millisecond))
	if err != nil || receipt.GetOutcome() != pmv1.StopOutcome_STOP_OUTCOME_SURVIVED || len(receipt.GetSurvivors()) == 0 {
		t.Fatalf("receipt %v, error %v", receipt, err)
	}
	receipt, err = process.Stop(ctx, pm.WithGracePeriod(0), pm.WithForce())
	if err != nil || receipt.GetOutcome() != pmv1.StopOutcome_STOP_OUTCOME_STOPPED || receipt.GetKillTime() == nil {
		t.Fatalf("receipt %v, error %v", receipt, err)
	}
	if err := process.Remove(ctx, false); err != nil {
		t.Fatal(err)
	}
	if _, err := process.Get(ctx); !pm.IsReason(err, pmv1.ErrorReason_ERROR_REASON_PROCESS_NOT_FOUND) {
		t.Errorf("error %v", err)
	}
}

func TestDialFindsTheDaemonAsTheCommandDoes(t *testing.T) {
	_, client := dial(t)
	info, err := client.Info(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	socket := filepath.Join(os.Getenv("PM_RUNTIME_DIR"), "pm.sock")
	config := filepath.Join(os.Getenv("XDG_CONFIG_HOME"), "pm")
	if err := os.MkdirAll(config, 0o700); err != nil {
		t.Fatal(err)
	}
	contexts := filepath.Join(config, "contexts.json")
	text := fmt.Sprintf(`{"current": "here", "contexts": {"here": {"address": "unix://%s"}}}`, socket)
	if err := os.WriteFile(contexts, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.Remove(contexts) })
	t.Setenv("PM_RUNTIME_DIR", "/nowhere")

	for name, opts := range map[string][]pm.Option{
		"the current context": nil, "a context": {pm.WithContext("here")}, "a socket": {pm.WithSocket(socket)},
	} {
		found, err := pm.Dial(t.Context(), opts...)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		again, err := found.Info(t.Context())
		if err != nil || again.GetInstanceId() != info.GetInstanceId() {
			t.Errorf("%s: %v, %v", name, again, err)
		}
		found.Close()
	}
	for name, opts := range map[string][]pm.Option{
		"a socket and a context": {pm.WithSocket(socket), pm.WithContext("here")},
		"a relative socket":      {pm.WithSocket("pm.sock")},
		"http":                   {pm.WithAddress("http://localhost:7443")},
		"an unknown context":     {pm.WithContext("elsewhere")},
		"the default socket":     {pm.WithContext("default")},
	} {
		if client, err := pm.Dial(t.Context(), opts...); err == nil {
			client.Close()
			t.Errorf("%s: no error", name)
		}
	}
	if err := os.Chmod(contexts, 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := pm.Dial(t.Context()); err == nil {
		t.Error("contexts that others may read: no error")
	}
}
