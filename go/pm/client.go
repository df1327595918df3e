package pm

import (
	"context"
	"encoding/base64"
	"errors"
	"net"
	"net/http"
	"os"
	"time"

	"connectrpc.com/connect"
	pmv1 "pm.example/gen/go/pm/v1"
	"pm.example/gen/go/pm/v1/pmv1connect"
)

// Client is a connection to one daemon. It is safe for use by several
// goroutines. It connects when it is used, and again after a loss.
type Client struct {
	// The generated clients. Their errors are connect-go's; the methods of this
	// package make an *Error of them.
	Processes pmv1connect.ProcessServiceClient
	Events    pmv1connect.EventServiceClient
	Daemon    pmv1connect.DaemonServiceClient
	Projects  pmv1connect.ProjectServiceClient
	Schedules pmv1connect.ScheduleServiceClient
	Queues    pmv1connect.QueueServiceClient

	transport *http.Transport
	outputs   *outputConnections
}

// Dial finds the daemon by the rules of the pm command and asks it who it is.
// The context bounds that question, not the client's life.
func Dial(ctx context.Context, opts ...Option) (*Client, error) {
	o := options{getenv: os.Getenv}
	for _, option := range opts {
		option(&o)
	}
	at, err := resolve(o)
	if err != nil {
		return nil, err
	}
	client := newClient(at)
	if _, err := client.Info(ctx); err != nil {
		client.Close()
		return nil, err
	}
	return client, nil
}

func newClient(at place) *Client {
	protocols := new(http.Protocols)
	transport := &http.Transport{Protocols: protocols, TLSClientConfig: at.tls}
	var outputs *outputConnections
	if at.socket != "" {
		// HTTP/2 without TLS, with prior knowledge.
		protocols.SetUnencryptedHTTP2(true)
		transport.DialContext = func(ctx context.Context, _, _ string) (net.Conn, error) {
			return (&net.Dialer{}).DialContext(ctx, "unix", at.socket)
		}
		outputs = newOutputConnections(transport.DialContext, at.baseURL)
	} else {
		protocols.SetHTTP2(true)
	}
	var next http.RoundTripper = transport
	if at.username != "" {
		text := base64.StdEncoding.EncodeToString([]byte(at.username + ":" + at.password))
		next = authorized{transport, "Basic " + text}
	}
	httpClient := &http.Client{Transport: next}
	return &Client{
		Processes: pmv1connect.NewProcessServiceClient(httpClient, at.baseURL),
		Events:    pmv1connect.NewEventServiceClient(httpClient, at.baseURL),
		Daemon:    pmv1connect.NewDaemonServiceClient(httpClient, at.baseURL),
		Projects:  pmv1connect.NewProjectServiceClient(httpClient, at.baseURL),
		Schedules: pmv1connect.NewScheduleServiceClient(httpClient, at.baseURL),
		Queues:    pmv1connect.NewQueueServiceClient(httpClient, at.baseURL),
		transport: transport,
		outputs:   outputs,
	}
}

type authorized struct {
	next   http.RoundTripper
	header string
}

// RoundTrip adds the header to a copy: a RoundTripper must not change the request.
func (t authorized) RoundTrip(request *http.Request) (*http.Response, error) {
	request = request.Clone(request.Context())
	request.Header.Set("Authorization", t.header)
	return t.next.RoundTrip(request)
}

// Close closes idle connections. Calls that are under way end with their
// contexts.
func (c *Client) Close() {
	c.transport.CloseIdleConnections()
	c.outputs.close()
}

// Info says what the daemon is, what it can do and what it allows.
func (c *Client) Info(ctx context.Context) (*pmv1.GetInfoResponse, error) {
	response, err := c.Daemon.GetInfo(ctx, connect.NewRequest(&pmv1.GetInfoRequest{}))
	if err != nil {
		return nil, explain(err)
	}
	return response.Msg, nil
}

const (
	firstPause = 100 * time.Millisecond
	longPause  = 5 * time.Second
)

// retry calls again while the connection is lost or the daemon is being
// replaced, as long as the context allows. For calls that are safe to repeat.
// A daemon that is not there at the first attempt is an error at once.
func retry[T any](ctx context.Context, call func(context.Context) (T, error)) (T, error) {
	pause := firstPause
	for attempt := 0; ; attempt++ {
		value, err := call(ctx)
		if err == nil || ctx.Err() != nil || !isLoss(err) || (attempt == 0 && isAbsent(err)) {
			return value, explain(err)
		}
		if err := sleep(ctx, pause); err != nil {
			return value, explain(err)
		}
		pause = min(2*pause, longPause)
	}
}

// isAbsent says whether nobody listened, so that the request was not sent.
func isAbsent(err error) bool {
	var network *net.OpError
	return errors.As(err, &network) && network.Op == "dial"
}

func sleep(ctx context.Context, pause time.Duration) error {
	timer := time.NewTimer(pause)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
