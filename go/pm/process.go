package pm

import (
	"context"
	"crypto/rand"
	"fmt"
	"time"

	"connectrpc.com/connect"
	"google.golang.org/protobuf/types/known/durationpb"
	pmv1 "pm.example/gen/go/pm/v1"
)

// Process is a handle for one process. It stays with the process over restarts
// of the process and of the daemon.
type Process struct {
	client *Client
	id     string
}

// StartOption adds to what is started.
type StartOption func(*pmv1.StartProcessRequest)

// WithName gives the process a name, unique among processes that have not ended.
func WithName(name string) StartOption {
	return func(r *pmv1.StartProcessRequest) { r.Name = name }
}

// WithLabels gives the process labels to select it by.
func WithLabels(labels map[string]string) StartOption {
	return func(r *pmv1.StartProcessRequest) { r.Labels = labels }
}

// WithID names the UUID that the process is to have. Starting the same id with
// the same name, labels and spec again answers the process that there is.
// Default: a new random one.
func WithID(id string) StartOption {
	return func(r *pmv1.StartProcessRequest) { r.Id = id }
}

// Start starts a process and returns once its program was executed. If the
// connection is lost meanwhile it asks again under the same id, which starts
// nothing twice.
func (c *Client) Start(ctx context.Context, spec *pmv1.ProcessSpec, opts ...StartOption) (*Process, error) {
	request := &pmv1.StartProcessRequest{Id: newUUID(), Spec: spec}
	for _, option := range opts {
		option(request)
	}
	return retry(ctx, func(ctx context.Context) (*Process, error) {
		response, err := c.Processes.StartProcess(ctx, connect.NewRequest(request))
		if err != nil {
			return nil, err
		}
		return &Process{c, response.Msg.GetProcess().GetId()}, nil
	})
}

// Process is a handle for the process of this name; of several the one that
// has not ended, else the one started last.
func (c *Client) Process(ctx context.Context, name string) (*Process, error) {
	return c.find(ctx, &pmv1.ProcessRef{Ref: &pmv1.ProcessRef_Name{Name: name}})
}

// ProcessByID is a handle for the process of this UUID.
func (c *Client) ProcessByID(ctx context.Context, id string) (*Process, error) {
	return c.find(ctx, ref(id))
}

func (c *Client) find(ctx context.Context, reference *pmv1.ProcessRef) (*Process, error) {
	found, err := c.get(ctx, reference)
	if err != nil {
		return nil, err
	}
	return &Process{c, found.GetId()}, nil
}

func (c *Client) get(ctx context.Context, reference *pmv1.ProcessRef) (*pmv1.Process, error) {
	return retry(ctx, func(ctx context.Context) (*pmv1.Process, error) {
		response, err := c.Processes.GetProcess(ctx, connect.NewRequest(&pmv1.GetProcessRequest{Process: reference}))
		if err != nil {
			return nil, err
		}
		return response.Msg.GetProcess(), nil
	})
}

// ID is the process's UUID.
func (p *Process) ID() string { return p.id }

// Get reads the process as it is now.
func (p *Process) Get(ctx context.Context) (*pmv1.Process, error) {
	return p.client.get(ctx, ref(p.id))
}

// Wait waits until the current run's main process has ended and says how. The
// exit status is nil if that cannot be known: the run never began, or was lost
// (see the run's state). It waits on over restarts of the daemon.
func (p *Process) Wait(ctx context.Context) (*pmv1.ExitStatus, *pmv1.Run, error) {
	run, err := retry(ctx, func(ctx context.Context) (*pmv1.Run, error) {
		request := &pmv1.WaitProcessRequest{Process: ref(p.id)}
		response, err := p.client.Processes.WaitProcess(ctx, connect.NewRequest(request))
		if err != nil {
			return nil, err
		}
		return response.Msg.GetRun(), nil
	})
	return run.GetExit(), run, err
}

// WaitUntilReady waits until the process runs and its readiness probe has
// succeeded; without such a probe, until it runs. Whichever run that is: it
// waits through restarts and dependencies. ERROR_REASON_NOT_RUNNING says that no
// run is under way and none is to come.
func (p *Process) WaitUntilReady(ctx context.Context) (*pmv1.Process, error) {
	return p.waitUntil(ctx, pmv1.WaitCondition_WAIT_CONDITION_READY)
}

// WaitUntilHealthy is as WaitUntilReady, by the liveness probe.
func (p *Process) WaitUntilHealthy(ctx context.Context) (*pmv1.Process, error) {
	return p.waitUntil(ctx, pmv1.WaitCondition_WAIT_CONDITION_HEALTHY)
}

func (p *Process) waitUntil(ctx context.Context, condition pmv1.WaitCondition) (*pmv1.Process, error) {
	request := &pmv1.WaitProcessRequest{Process: ref(p.id), Condition: condition}
	response, err := unary(ctx, p.client.Processes.WaitProcess, request)
	return response.GetProcess(), err
}

// StopOption says how to stop.
type StopOption func(*pmv1.StopOptions)

// WithSignal names the first signal, such as "SIGINT". Default: the spec's.
func WithSignal(name string) StopOption {
	return func(o *pmv1.StopOptions) { o.Signal = name }
}

// WithGracePeriod says how long the tree has to end. Default: the spec's.
func WithGracePeriod(period time.Duration) StopOption {
	return func(o *pmv1.StopOptions) { o.GracePeriod = durationpb.New(period) }
}

// WithForce kills what is left after the grace period.
func WithForce() StopOption {
	return func(o *pmv1.StopOptions) { o.Force = true }
}

// Stop ends the process's whole tree and returns the receipt: whether it is
// gone, what was sent, and what survived. The stop goes on if the context ends
// first, and the receipt can be read later with Get. A lost connection is
// retried under the same request id, which stops nothing twice.
func (p *Process) Stop(ctx context.Context, opts ...StopOption) (*pmv1.StopReceipt, error) {
	request := &pmv1.StopProcessRequest{Process: ref(p.id), Options: stopOptions(opts), RequestId: newUUID()}
	return retry(ctx, func(ctx context.Context) (*pmv1.StopReceipt, error) {
		response, err := p.client.Processes.StopProcess(ctx, connect.NewRequest(request))
		if err != nil {
			return nil, err
		}
		return response.Msg.GetReceipt(), nil
	})
}

// Restart stops the process and begins a new run under the same id.
func (p *Process) Restart(ctx context.Context, opts ...StopOption) (*pmv1.Process, error) {
	request := &pmv1.RestartProcessRequest{Process: ref(p.id), Options: stopOptions(opts), RequestId: newUUID()}
	return retry(ctx, func(ctx context.Context) (*pmv1.Process, error) {
		response, err := p.client.Processes.RestartProcess(ctx, connect.NewRequest(request))
		if err != nil {
			return nil, err
		}
		return response.Msg.GetProcess(), nil
	})
}

// Signal sends a signal by name, such as "SIGHUP", to the process group.
func (p *Process) Signal(ctx context.Context, name string) error {
	request := &pmv1.SignalProcessRequest{Process: ref(p.id), Signal: name, RequestId: newUUID()}
	_, err := retry(ctx, func(ctx context.Context) (struct{}, error) {
		_, err := p.client.Processes.SignalProcess(ctx, connect.NewRequest(request))
		return struct{}{}, err
	})
	return err
}

// Remove removes an ended process and frees its output; with force it is
// killed first.
func (p *Process) Remove(ctx context.Context, force bool) error {
	request := &pmv1.RemoveProcessRequest{Process: ref(p.id), Force: force, RequestId: newUUID()}
	_, err := retry(ctx, func(ctx context.Context) (struct{}, error) {
		_, err := p.client.Processes.RemoveProcess(ctx, connect.NewRequest(request))
		return struct{}{}, err
	})
	return err
}

// Write writes to standard input, which the spec must make a pipe, in pieces of
// at most 1 MiB. It blocks until the process has read its input.
func (p *Process) Write(ctx context.Context, data []byte) error {
	const most = 1 << 20
	for {
		piece := data[:min(len(data), most)]
		data = data[len(piece):]
		request := &pmv1.WriteInputRequest{Process: ref(p.id), Data: piece}
		if _, err := p.client.Processes.WriteInput(ctx, connect.NewRequest(request)); err != nil {
			return explain(err)
		}
		if len(data) == 0 {
			return nil
		}
	}
}

// CloseInput closes standard input.
func (p *Process) CloseInput(ctx context.Context) error {
	request := &pmv1.WriteInputRequest{Process: ref(p.id), Close: true}
	_, err := p.client.Processes.WriteInput(ctx, connect.NewRequest(request))
	return explain(err)
}

func ref(id string) *pmv1.ProcessRef {
	return &pmv1.ProcessRef{Ref: &pmv1.ProcessRef_Id{Id: id}}
}

func stopOptions(opts []StopOption) *pmv1.StopOptions {
	options := &pmv1.StopOptions{}
	for _, option := range opts {
		option(options)
	}
	return options
}

// newUUID is a random UUID, version 4 (RFC 9562).
func newUUID() string {
	var b [16]byte
	rand.Read(b[:])
	b[6] = b[6]&0x0f | 0x40
	b[8] = b[8]&0x3f | 0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}
