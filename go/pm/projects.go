package pm

import (
	"context"
	"errors"
	"fmt"
	"io"

	"connectrpc.com/connect"
	pmv1 "pm.example/gen/go/pm/v1"
)

// Applied is what came of applying or removing a project.
type Applied struct {
	// Steps are what was to be done, one for each process, in order.
	Steps []*AppliedStep
	// Project is the project as it is now; nil if it was removed, or with a dry
	// run of one that there is not yet.
	Project *pmv1.Project
}

// AppliedStep is one step, and what came of it.
type AppliedStep struct {
	// Step is what was to be done.
	Step *pmv1.ProjectStep
	// Process is the process after it; nil if it was removed or nothing was done.
	Process *pmv1.Process
	// Err is why it could not be done; nil otherwise. The other steps are done
	// all the same.
	Err error
}

// Err joins the errors of the steps; nil if there are none.
func (a *Applied) Err() error {
	var all []error
	for _, step := range a.Steps {
		if step.Err != nil {
			all = append(all, fmt.Errorf("%s: %w", step.Step.GetName(), step.Err))
		}
	}
	return errors.Join(all...)
}

// ApplyProject makes a project, or brings it to another description: it starts
// what is new or was stopped, restarts what changed, and leaves the rest alone.
// Applying the same again changes nothing. It returns when every process was
// started or waits for its dependencies; see [Process.WaitUntilReady].
//
// The description is on record first: if the context ends or the daemon dies,
// the application goes on. After a lost connection it is asked for again under
// the same request id; the steps are then those that were left. What could not
// be done is in [Applied.Err].
func (c *Client) ApplyProject(ctx context.Context, request *pmv1.ApplyProjectRequest) (*Applied, error) {
	if request.GetRequestId() == "" {
		request.RequestId = newUUID()
	}
	return retry(ctx, func(ctx context.Context) (*Applied, error) {
		stream, err := c.Projects.ApplyProject(ctx, connect.NewRequest(request))
		if err != nil {
			return nil, err
		}
		return collect(stream)
	})
}

// RemoveProject stops all processes of a project, those that depend on others
// first, removes them, and forgets the project. It is on record first, as an
// application is.
func (c *Client) RemoveProject(ctx context.Context, request *pmv1.RemoveProjectRequest) (*Applied, error) {
	if request.GetRequestId() == "" {
		request.RequestId = newUUID()
	}
	return retry(ctx, func(ctx context.Context) (*Applied, error) {
		stream, err := c.Projects.RemoveProject(ctx, connect.NewRequest(request))
		if err != nil {
			return nil, err
		}
		return collect(stream)
	})
}

// Project reads a project and where its processes stand, without environments.
func (c *Client) Project(ctx context.Context, name string) (*pmv1.Project, error) {
	response, err := unary(ctx, c.Projects.GetProject, &pmv1.GetProjectRequest{Name: name})
	return response.GetProject(), err
}

// ListProjects reads all projects, by name, without what they describe.
func (c *Client) ListProjects(ctx context.Context) ([]*pmv1.Project, error) {
	response, err := unary(ctx, c.Projects.ListProjects, &pmv1.ListProjectsRequest{})
	return response.GetProjects(), err
}

// projectFrame is a frame of ApplyProject or of RemoveProject.
type projectFrame interface {
	GetPlan() *pmv1.ProjectPlan
	GetProgress() *pmv1.ProjectProgress
	GetEnd() *pmv1.ProjectEnd
}

// frameStream is what connect-go returns for either.
type frameStream[Frame any] interface {
	Receive() bool
	Msg() *Frame
	Err() error
	Close() error
}

// collect reads the frames to their end.
func collect[Frame any](stream frameStream[Frame]) (*Applied, error) {
	defer stream.Close()
	applied := &Applied{}
	for stream.Receive() {
		frame, known := any(stream.Msg()).(projectFrame)
		switch {
		case !known:
		case frame.GetPlan() != nil:
			for _, step := range frame.GetPlan().GetSteps() {
				applied.Steps = append(applied.Steps, &AppliedStep{Step: step})
			}
		case frame.GetProgress() != nil:
			progress := frame.GetProgress()
			if int(progress.GetStep()) < len(applied.Steps) {
				step := applied.Steps[progress.GetStep()]
				step.Process, step.Err = progress.GetProcess(), batchError(progress.GetError())
			}
		case frame.GetEnd() != nil:
			applied.Project = frame.GetEnd().GetProject()
			return applied, nil
		}
	}
	if err := stream.Err(); err != nil {
		return nil, err
	}
	return nil, io.ErrUnexpectedEOF
}

// batchError makes an *Error of what went wrong with one of several; nil if
// nothing did.
func batchError(failure *pmv1.BatchError) error {
	if failure == nil {
		return nil
	}
	return &Error{
		Reason:   pmv1.ErrorReason(pmv1.ErrorReason_value[reasonPrefix+failure.GetReason()]),
		Message:  failure.GetMessage(),
		Metadata: failure.GetMetadata(),
	}
}
