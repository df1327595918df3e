package pm

import (
	"context"

	pmv1 "pm.example/gen/go/pm/v1"
)

// SetSchedule makes a schedule, or replaces the one of this name. With a
// template it makes the process as well, which then waits for its time. The
// same request again changes nothing.
func (c *Client) SetSchedule(ctx context.Context, request *pmv1.SetScheduleRequest) (*pmv1.Schedule, *Process, error) {
	response, err := unary(ctx, c.Schedules.SetSchedule, request)
	if err != nil {
		return nil, nil, err
	}
	return response.GetSchedule(), &Process{c, response.GetProcess().GetId()}, nil
}

// Schedule reads a schedule, with when it is due next and what it did last.
func (c *Client) Schedule(ctx context.Context, name string) (*pmv1.Schedule, error) {
	response, err := unary(ctx, c.Schedules.GetSchedule, &pmv1.GetScheduleRequest{Name: name})
	return response.GetSchedule(), err
}

// ListSchedules reads all schedules, by name.
func (c *Client) ListSchedules(ctx context.Context) ([]*pmv1.Schedule, error) {
	response, err := unary(ctx, c.Schedules.ListSchedules, &pmv1.ListSchedulesRequest{})
	return response.GetSchedules(), err
}

// PauseSchedule lets a schedule pass its times without doing anything. They are
// not caught up later.
func (c *Client) PauseSchedule(ctx context.Context, name string) (*pmv1.Schedule, error) {
	return c.setPaused(ctx, name, true)
}

// ResumeSchedule ends a pause.
func (c *Client) ResumeSchedule(ctx context.Context, name string) (*pmv1.Schedule, error) {
	return c.setPaused(ctx, name, false)
}

func (c *Client) setPaused(ctx context.Context, name string, paused bool) (*pmv1.Schedule, error) {
	response, err := unary(ctx, c.Schedules.PauseSchedule, &pmv1.PauseScheduleRequest{Name: name, Paused: paused})
	return response.GetSchedule(), err
}

// TriggerSchedule starts the process as if the schedule were due now; what that
// did is in the schedule's last result. A lost connection is not retried: it
// might start twice.
func (c *Client) TriggerSchedule(ctx context.Context, name string) (*pmv1.Schedule, error) {
	response, err := once(ctx, c.Schedules.TriggerSchedule, &pmv1.TriggerScheduleRequest{Name: name})
	return response.GetSchedule(), err
}

// RemoveSchedule removes a schedule. A run that it began goes on; a process that
// waits for it alone is stopped.
func (c *Client) RemoveSchedule(ctx context.Context, name string) error {
	_, err := once(ctx, c.Schedules.RemoveSchedule, &pmv1.RemoveScheduleRequest{Name: name})
	return err
}
