// This example starts a process, copies its output to the end, and stops
// another one, with grpc-go.
//
//	go run ./grpc -address unix:///run/user/1000/pm/pm.sock
//	go run ./grpc -address https://box:7443 -ca ca.crt -cert me.crt -key me.key -user me -password-file me.password
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log"
	"os"
	"time"

	"pm.example/examples/go/access"
	pm "pm.example/gen/go/pm/v1"

	"google.golang.org/protobuf/types/known/durationpb"
)

func main() {
	daemon := access.Flags()
	flag.Parse()
	if err := run(context.Background(), daemon); err != nil {
		log.Fatal(err)
	}
}

func run(ctx context.Context, daemon *access.Access) error {
	connection, err := daemon.DialGRPC()
	if err != nil {
		return err
	}
	defer connection.Close()
	client := pm.NewProcessServiceClient(connection)

	id, err := start(ctx, client, "sh", "-c", "for i in 1 2 3; do echo line $i; done; exit 3")
	if err != nil {
		return err
	}
	if err := copyOutput(ctx, client, id); err != nil {
		return err
	}

	id, err = start(ctx, client, "sleep", "1000")
	if err != nil {
		return err
	}
	return stop(ctx, client, id)
}

func start(ctx context.Context, client pm.ProcessServiceClient, executable string, args ...string) (string, error) {
	response, err := client.StartProcess(ctx, &pm.StartProcessRequest{
		Spec: &pm.ProcessSpec{Executable: executable, Args: args},
	})
	if err != nil {
		return "", err
	}
	return response.GetProcess().GetId(), nil
}

// copyOutput follows the output until there can be no more, and says how the process ended.
func copyOutput(ctx context.Context, client pm.ProcessServiceClient, id string) error {
	stream, err := client.StreamOutput(ctx, &pm.StreamOutputRequest{Process: byID(id), Follow: true})
	if err != nil {
		return err
	}
	for {
		response, err := stream.Recv()
		if errors.Is(err, io.EOF) {
			return errors.New("the stream broke off")
		}
		if err != nil {
			return err
		}
		switch frame := response.GetFrame().(type) {
		case *pm.StreamOutputResponse_Chunk:
			os.Stdout.Write(frame.Chunk.GetData())
		case *pm.StreamOutputResponse_Gap:
			fmt.Fprintf(os.Stderr, "dropped: bytes %d to %d\n", frame.Gap.GetFromOffset(), frame.Gap.GetToOffset())
		case *pm.StreamOutputResponse_End:
			fmt.Printf("%d bytes, exit code %d\n", frame.End.GetFinalOffset(), frame.End.GetExit().GetCode())
			return nil
		}
	}
}

func stop(ctx context.Context, client pm.ProcessServiceClient, id string) error {
	response, err := client.StopProcess(ctx, &pm.StopProcessRequest{
		Process: byID(id),
		Options: &pm.StopOptions{GracePeriod: durationpb.New(5 * time.Second), Force: true},
	})
	if err != nil {
		return err
	}
	stopped := response.GetReceipt().GetOutcome() == pm.StopOutcome_STOP_OUTCOME_STOPPED
	fmt.Printf("stopped: %v, by %s\n", stopped, response.GetProcess().GetRun().GetExit().GetSignalName())
	return nil
}

func byID(id string) *pm.ProcessRef {
	return &pm.ProcessRef{Ref: &pm.ProcessRef_Id{Id: id}}
}
