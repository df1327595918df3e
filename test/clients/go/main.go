// The client table's Go clients: -client grpc-go, connect-go (Connect),
// connect-go-grpc or connect-go-grpc-web (connect-go over those). Prints one JSON object of what
// happened; the test compares it with what every client must see.
package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"flag"
	"log"
	"os"
	"time"

	"pm.example/examples/go/access"
	pm "pm.example/gen/go/pm/v1"
)

// caller is one client library, reduced to what the scenario needs.
type caller interface {
	start(ctx context.Context, spec *pm.ProcessSpec) (id string, err error)
	// stream calls onFrame until it answers false, the stream ends or fails.
	stream(ctx context.Context, id string, onFrame func(*pm.StreamOutputResponse) bool) error
	wait(ctx context.Context, id string) error
	stop(ctx context.Context, id string) (stopped bool, err error)
	// explain gives an error's code in upper snake case, and the ErrorInfo's reason and errno_name.
	explain(err error) (code, reason, errnoName string)
}

func main() {
	daemon := access.Flags()
	client := flag.String("client", "", "grpc-go, connect-go, connect-go-grpc or connect-go-grpc-web")
	flag.Parse()
	c, err := newCaller(*client, daemon)
	if err == nil {
		err = run(context.Background(), c)
	}
	if err != nil {
		log.Fatal(err)
	}
}

func run(ctx context.Context, c caller) error {
	result := map[string]any{}
	_, err := c.start(ctx, &pm.ProcessSpec{Executable: "/no/such"})
	code, reason, errnoName := c.explain(err)
	if code == "UNAUTHENTICATED" || code == "PERMISSION_DENIED" {
		err = c.stream(ctx, "00000000-0000-4000-8000-000000000000", func(*pm.StreamOutputResponse) bool { return true })
		_, streamed, _ := c.explain(err)
		return json.NewEncoder(os.Stdout).Encode(map[string]any{"refused": code, "reasons": []string{reason, streamed}})
	}
	result["error"] = []string{code, reason, errnoName}

	id, err := c.start(ctx, &pm.ProcessSpec{Executable: "sh", Args: []string{"-c", os.Getenv("PM_TEST_SCRIPT")}})
	if err != nil {
		return err
	}
	hash := sha256.New()
	err = c.stream(ctx, id, func(answer *pm.StreamOutputResponse) bool {
		hash.Write(answer.GetChunk().GetData())
		if end := answer.GetEnd(); end != nil {
			result["stream"] = []any{hex.EncodeToString(hash.Sum(nil)), end.GetExit().GetCode()}
		}
		return true
	})
	if err != nil {
		return err
	}

	id, err = c.start(ctx, &pm.ProcessSpec{Executable: "sh", Args: []string{"-c", "echo ready; exec sleep 1000"}})
	if err != nil {
		return err
	}
	cancelable, cancel := context.WithCancel(ctx)
	err = c.stream(cancelable, id, func(answer *pm.StreamOutputResponse) bool {
		if answer.GetChunk() != nil {
			cancel()
		}
		return true
	})
	cancel()
	result["cancel"], _, _ = c.explain(err)

	hurried, cancel := context.WithTimeout(ctx, 300*time.Millisecond)
	result["deadline"], _, _ = c.explain(c.wait(hurried, id))
	cancel()

	if result["stopped"], err = c.stop(ctx, id); err != nil {
		return err
	}
	return json.NewEncoder(os.Stdout).Encode(result)
}

func byID(id string) *pm.ProcessRef {
	return &pm.ProcessRef{Ref: &pm.ProcessRef_Id{Id: id}}
}

func isStopped(response *pm.StopProcessResponse) bool {
	return response.GetReceipt().GetOutcome() == pm.StopOutcome_STOP_OUTCOME_STOPPED
}
