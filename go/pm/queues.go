package pm

import (
	"context"

	pmv1 "pm.example/gen/go/pm/v1"
)

// SetQueue makes a queue or changes one: how many of its processes may run at a
// time, and whether it is paused. What the request leaves out stays as it is; a
// new queue lets one run and is not paused. A process is put into a queue by
// its spec's policy.
func (c *Client) SetQueue(ctx context.Context, request *pmv1.SetQueueRequest) (*pmv1.Queue, error) {
	response, err := unary(ctx, c.Queues.SetQueue, request)
	return response.GetQueue(), err
}

// Queue reads a queue with what runs and waits in it.
func (c *Client) Queue(ctx context.Context, name string) (*pmv1.Queue, error) {
	response, err := unary(ctx, c.Queues.GetQueue, &pmv1.GetQueueRequest{Name: name})
	return response.GetQueue(), err
}

// ListQueues reads all queues, by name.
func (c *Client) ListQueues(ctx context.Context) ([]*pmv1.Queue, error) {
	response, err := unary(ctx, c.Queues.ListQueues, &pmv1.ListQueuesRequest{})
	return response.GetQueues(), err
}

// MoveInQueue gives a process that waits in a queue another place, 1 for the
// next; beyond the end it is the last.
func (c *Client) MoveInQueue(ctx context.Context, queue string, process *Process, position uint32) (*pmv1.Queue, error) {
	request := &pmv1.MoveInQueueRequest{Name: queue, ProcessId: process.id, Position: position}
	response, err := unary(ctx, c.Queues.MoveInQueue, request)
	return response.GetQueue(), err
}

// RemoveQueue removes a queue that nobody waits or runs in; others are refused
// with ERROR_REASON_QUEUE_NOT_EMPTY.
func (c *Client) RemoveQueue(ctx context.Context, name string) error {
	_, err := unary(ctx, c.Queues.RemoveQueue, &pmv1.RemoveQueueRequest{Name: name})
	return err
}
