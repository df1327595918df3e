package pm

import (
	"context"
	"net"
	"net/http"
	"sync/atomic"
	"time"

	"connectrpc.com/connect"
	"pm.example/gen/go/pm/v1/pmv1connect"
)

// outputConnections are for streams of output over the unix socket: HTTP/1.1,
// each stream with a connection of its own. net/http's HTTP/2 reads through a
// buffer of 4 KiB and copies each byte twice more than its HTTP/1.1 does;
// measured, it takes the client two to three times the processor time.
type outputConnections struct {
	transport *http.Transport
	processes pmv1connect.ProcessServiceClient
	// reusing gives chunks memory that is to be given back.
	reusing pmv1connect.ProcessServiceClient
	used    atomic.Int32
}

const (
	// The daemon takes a limited number of connections: further streams share
	// the one of all other calls.
	maxOutputConnections = 16
	// Larger reads go around this buffer.
	outputBufferBytes = 64 << 10
)

func newOutputConnections(dial func(context.Context, string, string) (net.Conn, error), baseURL string) *outputConnections {
	transport := &http.Transport{
		DialContext:        dial,
		ReadBufferSize:     outputBufferBytes,
		IdleConnTimeout:    time.Second,
		DisableCompression: true,
	}
	client := &http.Client{Transport: transport}
	return &outputConnections{
		transport: transport,
		processes: pmv1connect.NewProcessServiceClient(client, baseURL),
		reusing:   pmv1connect.NewProcessServiceClient(client, baseURL, connect.WithCodec(outputCodec{})),
	}
}

// outputClient returns the client for one stream of output, and what is to be called
// when the stream is over.
func (c *Client) outputClient(reuses bool) (pmv1connect.ProcessServiceClient, func()) {
	o := c.outputs
	if o == nil {
		return c.Processes, func() {}
	}
	done := func() { o.used.Add(-1) }
	if o.used.Add(1) > maxOutputConnections {
		done()
		return c.Processes, func() {}
	}
	if reuses {
		return o.reusing, done
	}
	return o.processes, done
}

func (o *outputConnections) close() {
	if o != nil {
		o.transport.CloseIdleConnections()
	}
}
