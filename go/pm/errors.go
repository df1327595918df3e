package pm

import (
	"context"
	"errors"
	"io"
	"maps"
	"net"
	"syscall"

	"connectrpc.com/connect"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	pmv1 "pm.example/gen/go/pm/v1"
)

// Error is an error that the daemon answered, or that kept a call from it.
//
//	var failure *pm.Error
//	if errors.As(err, &failure) && failure.Reason == pmv1.ErrorReason_ERROR_REASON_NAME_IN_USE {
//		…
//	}
type Error struct {
	// Reason is the contract's; ERROR_REASON_UNSPECIFIED where the daemon was
	// not reached or gave a reason that this version does not know.
	Reason pmv1.ErrorReason
	// Code is the status code.
	Code connect.Code
	// Message is a text for people.
	Message string
	// Metadata holds what the reason's comment in the contract lists.
	Metadata map[string]string
	// Violations lists the fields that were refused, with
	// ERROR_REASON_INVALID_ARGUMENT and ERROR_REASON_UNKNOWN_FIELD.
	Violations []Violation

	cause error
}

// Violation is one field of a request that was refused.
type Violation struct {
	// Field is its path in the request, such as "spec.umask".
	Field string
	// Problem says what is wrong with it.
	Problem string
}

// Error is the message, with the reason if there is one.
func (e *Error) Error() string {
	if e.Reason == pmv1.ErrorReason_ERROR_REASON_UNSPECIFIED {
		return "pm: " + e.Message
	}
	return "pm: " + e.Message + " (" + e.Reason.String()[len(reasonPrefix):] + ")"
}

// Unwrap is what the error was made of.
func (e *Error) Unwrap() error { return e.cause }

// Is makes a deadline or a cancellation that the daemon saw first look as one
// that the context saw: context.DeadlineExceeded and context.Canceled.
func (e *Error) Is(target error) bool {
	return (target == context.DeadlineExceeded && e.Code == connect.CodeDeadlineExceeded) ||
		(target == context.Canceled && e.Code == connect.CodeCanceled)
}

const reasonPrefix = "ERROR_REASON_"

// IsReason says whether an error is the daemon's, with this reason.
func IsReason(err error, reason pmv1.ErrorReason) bool {
	var failure *Error
	return errors.As(err, &failure) && failure.Reason == reason
}

// explain makes an Error of what connect-go answered. Errors of a context stay
// visible to errors.Is.
func explain(err error) error {
	if err == nil {
		return nil
	}
	var already *Error
	if errors.As(err, &already) {
		return err
	}
	failure := &Error{Code: connect.CodeOf(err), Message: err.Error(), cause: err}
	var answered *connect.Error
	if !errors.As(err, &answered) {
		return failure
	}
	failure.Message = answered.Message()
	for _, detail := range answered.Details() {
		value, err := detail.Value()
		if err != nil {
			continue
		}
		switch value := value.(type) {
		case *errdetails.ErrorInfo:
			failure.Reason = pmv1.ErrorReason(pmv1.ErrorReason_value[reasonPrefix+value.GetReason()])
			failure.Metadata = maps.Clone(value.GetMetadata())
		case *errdetails.BadRequest:
			for _, violation := range value.GetFieldViolations() {
				failure.Violations = append(failure.Violations, Violation{violation.GetField(), violation.GetDescription()})
			}
		}
	}
	return failure
}

// isLoss says whether a call failed because its connection did, or its daemon
// is being replaced: the next daemon can answer it.
func isLoss(err error) bool {
	var failure *Error
	if errors.As(err, &failure) && failure.Reason != pmv1.ErrorReason_ERROR_REASON_UNSPECIFIED {
		return failure.Reason == pmv1.ErrorReason_ERROR_REASON_SHUTTING_DOWN
	}
	var network *net.OpError
	switch {
	case errors.As(err, &network), errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF),
		errors.Is(err, syscall.ECONNREFUSED), errors.Is(err, syscall.ENOENT):
		return true
	}
	code := connect.CodeOf(err)
	return code == connect.CodeUnavailable || code == connect.CodeAborted
}
