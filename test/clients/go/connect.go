package main

import (
	"context"
	"errors"

	"connectrpc.com/connect"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"

	"pm.example/examples/go/access"
	pm "pm.example/gen/go/pm/v1"
	"pm.example/gen/go/pm/v1/pmv1connect"
)

type connectCaller struct {
	client pmv1connect.ProcessServiceClient
}

func newConnectCaller(daemon *access.Access, options ...connect.ClientOption) (caller, error) {
	httpClient, baseURL, err := daemon.HTTPClient()
	if err != nil {
		return nil, err
	}
	return connectCaller{pmv1connect.NewProcessServiceClient(httpClient, baseURL, options...)}, nil
}

func (c connectCaller) start(ctx context.Context, spec *pm.ProcessSpec) (string, error) {
	response, err := c.client.StartProcess(ctx, connect.NewRequest(&pm.StartProcessRequest{Spec: spec}))
	if err != nil {
		return "", err
	}
	return response.Msg.GetProcess().GetId(), nil
}

func (c connectCaller) stream(ctx context.Context, id string, onFrame func(*pm.StreamOutputResponse) bool) error {
	stream, err := c.client.StreamOutput(ctx, connect.NewRequest(&pm.StreamOutputRequest{Process: byID(id), Follow: true}))
	if err != nil {
		return err
	}
	defer stream.Close()
	for stream.Receive() {
		if !onFrame(stream.Msg()) {
			return nil
		}
	}
	return stream.Err()
}

func (c connectCaller) wait(ctx context.Context, id string) error {
	_, err := c.client.WaitProcess(ctx, connect.NewRequest(&pm.WaitProcessRequest{Process: byID(id)}))
	return err
}

func (c connectCaller) stop(ctx context.Context, id string) (bool, error) {
	response, err := c.client.StopProcess(ctx, connect.NewRequest(&pm.StopProcessRequest{Process: byID(id), Options: &pm.StopOptions{Force: true}}))
	if err != nil {
		return false, err
	}
	return isStopped(response.Msg), nil
}

func (c connectCaller) explain(err error) (code, reason, errnoName string) {
	var failure *connect.Error
	if !errors.As(err, &failure) {
		return "none", "", ""
	}
	for _, detail := range failure.Details() {
		value, err := detail.Value()
		if info, ok := value.(*errdetails.ErrorInfo); err == nil && ok {
			reason, errnoName = info.GetReason(), info.GetMetadata()["errno_name"]
		}
	}
	// Connect's codes are gRPC's.
	if name, ok := codeNames[codes.Code(failure.Code())]; ok {
		return name, reason, errnoName
	}
	return failure.Error(), reason, errnoName
}
