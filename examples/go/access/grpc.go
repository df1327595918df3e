package access

import (
	"context"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"
)

// DialGRPC makes a connection for grpc-go.
func (a *Access) DialGRPC() (*grpc.ClientConn, error) {
	if socket, ok := a.Socket(); ok {
		return grpc.NewClient("unix://"+socket, grpc.WithTransportCredentials(insecure.NewCredentials()))
	}
	target, err := a.HostPort()
	if err != nil {
		return nil, err
	}
	config, err := a.TLS()
	if err != nil {
		return nil, err
	}
	options := []grpc.DialOption{grpc.WithTransportCredentials(credentials.NewTLS(config))}
	authorization, err := a.Authorization()
	if err != nil {
		return nil, err
	}
	if authorization != "" {
		options = append(options, grpc.WithPerRPCCredentials(basicAuth(authorization)))
	}
	return grpc.NewClient(target, options...)
}

type basicAuth string

// GetRequestMetadata implements credentials.PerRPCCredentials.
func (b basicAuth) GetRequestMetadata(context.Context, ...string) (map[string]string, error) {
	return map[string]string{"authorization": string(b)}, nil
}

// RequireTransportSecurity implements credentials.PerRPCCredentials: a password never travels in the clear.
func (b basicAuth) RequireTransportSecurity() bool { return true }
