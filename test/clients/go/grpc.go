package main

import (
	"context"
	"errors"
	"fmt"
	"io"

	"connectrpc.com/connect"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"pm.example/examples/go/access"
	pm "pm.example/gen/go/pm/v1"
	"pm.example/gen/go/pm/v1/pmv1grpc"
)

func newCaller(name string, daemon *access.Access) (caller, error) {
	switch name {
	case "grpc-go":
		connection, err := daemon.DialGRPC()
		return grpcCaller{pmv1grpc.NewProcessServiceClient(connection)}, err
	case "connect-go":
		return newConnectCaller(daemon)
	case "connect-go-grpc":
		return newConnectCaller(daemon, connect.WithGRPC())
	case "connect-go-grpc-web":
		return newConnectCaller(daemon, connect.WithGRPCWeb())
	}
	return nil, fmt.Errorf("no client %q", name)
}

type grpcCaller struct{ client pmv1grpc.ProcessServiceClient }

func (c grpcCaller) start(ctx context.Context, spec *pm.ProcessSpec) (string, error) {
	response, err := c.client.StartProcess(ctx, &pm.StartProcessRequest{Spec: spec})
	return response.GetProcess().GetId(), err
}

func (c grpcCaller) stream(ctx context.Context, id string, onFrame func(*pm.StreamOutputResponse) bool) error {
	stream, err := c.client.StreamOutput(ctx, &pm.StreamOutputRequest{Process: byID(id), Follow: true})
	if err != nil {
		return err
	}
	for {
		response, err := stream.Recv()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		if !onFrame(response) {
			return nil
		}
	}
}

func (c grpcCaller) wait(ctx context.Context, id string) error {
	_, err := c.client.WaitProcess(ctx, &pm.WaitProcessRequest{Process: byID(id)})
	return err
}

func (c grpcCaller) stop(ctx context.Context, id string) (bool, error) {
	response, err := c.client.StopProcess(ctx, &pm.StopProcessRequest{Process: byID(id), Options: &pm.StopOptions{Force: true}})
	return isStopped(response), err
}

var codeNames = map[codes.Code]string{
	codes.Canceled: "CANCELLED", codes.DeadlineExceeded: "DEADLINE_EXCEEDED",
	codes.FailedPrecondition: "FAILED_PRECONDITION", codes.PermissionDenied: "PERMISSION_DENIED",
	codes.Unauthenticated: "UNAUTHENTICATED",
}

func (c grpcCaller) explain(err error) (code, reason, errnoName string) {
	s := status.Convert(err)
	for _, detail := range s.Details() {
		if info, ok := detail.(*errdetails.ErrorInfo); ok {
			reason, errnoName = info.GetReason(), info.GetMetadata()["errno_name"]
		}
	}
	if name, ok := codeNames[s.Code()]; ok {
		return name, reason, errnoName
	}
	return s.Code().String() + ": " + s.Message(), reason, errnoName
}
