package pm

import (
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"time"

	"connectrpc.com/connect"
	pmv1 "pm.example/gen/go/pm/v1"
)

// OutputOptions says what to read of a run's output. The zero value reads the
// current run from its first byte to its end, all streams.
type OutputOptions struct {
	// Run is the run to read. Default: the current one.
	Run uint32
	// Start is where to begin. Default: offset 0.
	Start *pmv1.OutputStart
	// Streams are the streams wanted. Default: all.
	Streams []pmv1.OutputStream
	// Snapshot ends after what there is, instead of following to the end.
	Snapshot bool
	// Hold makes the process wait for its reader instead of dropping output.
	// The spec must allow it (OUTPUT_FULL_MODE_ALLOW_HOLD).
	Hold bool
	// Reuse lets the memory of a chunk's data be used again once the next piece
	// is asked for: less garbage, for callers that keep no data. Default: a
	// chunk's data is the caller's for as long as it likes.
	Reuse bool
}

// Piece is one piece of a run's output: a chunk or a gap.
type Piece struct {
	// Chunk holds bytes, exactly as they were written; nil in a gap. Its data
	// is valid for as long as the caller likes, see OutputOptions.Reuse.
	Chunk *pmv1.OutputChunk
	// Gap says which bytes the output limit dropped before they were read; nil
	// in a chunk.
	Gap *pmv1.OutputGap
	// End says how the run ended; only in the last piece, which has neither.
	End *pmv1.OutputEnd
}

// heartbeat is how often an idle stream says that it lives; after two and a
// half of them its connection counts as dead.
const heartbeat = 15 * time.Second

// Output reads a run's output in order of offset and follows it to its end. It
// resumes by offset when the connection is lost or the daemon is replaced. The
// last piece has End set. An error ends the iteration; leaving the loop ends
// the stream.
func (p *Process) Output(ctx context.Context, options OutputOptions) iter.Seq2[Piece, error] {
	return func(yield func(Piece, error) bool) {
		reader := outputReader{process: p, options: options, run: options.Run, start: options.Start}
		pause := firstPause
		for attempt := 0; ; attempt++ {
			progress, more, err := reader.stream(ctx, yield)
			if !more {
				return
			}
			if err == nil {
				err = io.ErrUnexpectedEOF
			}
			if ctx.Err() != nil || !isLoss(err) || (attempt == 0 && isAbsent(err)) {
				yield(Piece{}, explain(err))
				return
			}
			if progress {
				pause = firstPause
			}
			if err := sleep(ctx, pause); err != nil {
				yield(Piece{}, explain(err))
				return
			}
			pause = min(2*pause, longPause)
		}
	}
}

// Copy copies a run's output to its end: standard error to stderr, everything
// else to stdout. It returns how the run ended. Output that was dropped before
// it could be read is an error of type *DroppedError, after everything else was
// copied.
func (p *Process) Copy(ctx context.Context, stdout, stderr io.Writer) (*pmv1.OutputEnd, error) {
	dropped := &DroppedError{}
	for piece, err := range p.Output(ctx, OutputOptions{Reuse: true}) {
		switch {
		case err != nil:
			return nil, err
		case piece.Gap != nil:
			dropped.Gaps = append(dropped.Gaps, piece.Gap)
		case piece.Chunk != nil:
			to := stdout
			if piece.Chunk.GetStream() == pmv1.OutputStream_OUTPUT_STREAM_STDERR {
				to = stderr
			}
			if _, err := to.Write(piece.Chunk.GetData()); err != nil {
				return nil, err
			}
		case piece.End != nil:
			if len(dropped.Gaps) > 0 {
				return piece.End, dropped
			}
			return piece.End, nil
		}
	}
	return nil, errors.New("pm: the output has no end")
}

// DroppedError says which output was dropped before it could be read.
type DroppedError struct {
	// Gaps are the ranges of offsets.
	Gaps []*pmv1.OutputGap
}

// Error says how much is missing.
func (e *DroppedError) Error() string {
	var bytes uint64
	for _, gap := range e.Gaps {
		bytes += gap.GetToOffset() - gap.GetFromOffset()
	}
	return fmt.Sprintf("pm: %d bytes of output were dropped by the output limit before they were read", bytes)
}

// errSilent ends a stream on which not even a heartbeat came.
var errSilent = fmt.Errorf("the stream is silent: %w", io.ErrUnexpectedEOF)

type outputReader struct {
	process *Process
	options OutputOptions
	run     uint32
	start   *pmv1.OutputStart
	token   string
	acked   uint64
	window  uint64
}

// stream reads one stream. more says that the output goes on with another one.
func (r *outputReader) stream(ctx context.Context, yield func(Piece, error) bool) (progress, more bool, err error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	defer func() {
		if errors.Is(context.Cause(ctx), errSilent) {
			err = errSilent
		}
	}()
	request := &pmv1.StreamOutputRequest{
		Process: ref(r.process.id), Start: r.start, Streams: r.options.Streams, Follow: !r.options.Snapshot,
		Hold: r.options.Hold, HoldToken: r.token,
	}
	if r.run != 0 {
		request.Run = &r.run
	}
	alive := time.AfterFunc(5*heartbeat/2, func() { cancel(errSilent) })
	defer alive.Stop()
	processes, done := r.process.client.outputClient(r.options.Reuse)
	defer done()
	stream, err := processes.StreamOutput(ctx, connect.NewRequest(request))
	if err != nil {
		return false, true, err
	}
	defer stream.Close()
	for ; stream.Receive(); alive.Reset(5 * heartbeat / 2) {
		// A caller may take as long as it likes.
		alive.Stop()
		progress = true
		piece := Piece{}
		switch frame := stream.Msg().GetFrame().(type) {
		case *pmv1.StreamOutputResponse_Opened:
			opened := frame.Opened
			// Whatever the request named, from here on it is this place in this run.
			r.run, r.token = opened.GetRun(), opened.GetHoldToken()
			r.window = max(opened.GetOutput().GetLimitBytes()/4, 1)
			r.moveTo(opened.GetStartOffset())
			continue
		case *pmv1.StreamOutputResponse_Heartbeat:
			r.moveTo(frame.Heartbeat.GetNextOffset())
			continue
		case *pmv1.StreamOutputResponse_Chunk:
			piece.Chunk = frame.Chunk
		case *pmv1.StreamOutputResponse_Gap:
			piece.Gap = frame.Gap
		case *pmv1.StreamOutputResponse_End:
			yield(Piece{End: frame.End}, nil)
			return progress, false, nil
		default:
			continue
		}
		if !yield(piece, nil) {
			return progress, false, nil
		}
		if piece.Gap != nil {
			r.moveTo(piece.Gap.GetToOffset())
		} else {
			r.moveTo(piece.Chunk.GetOffset() + uint64(len(piece.Chunk.GetData())))
			if r.options.Reuse {
				reuse(piece.Chunk)
			}
		}
		if err := r.acknowledge(ctx); err != nil {
			return progress, true, err
		}
	}
	return progress, true, stream.Err()
}

func (r *outputReader) moveTo(offset uint64) {
	r.start = &pmv1.OutputStart{Position: &pmv1.OutputStart_Offset{Offset: offset}}
}

// acknowledge tells a held run how far its output was taken, a quarter of the
// limit at a time.
func (r *outputReader) acknowledge(ctx context.Context) error {
	next := r.start.GetOffset()
	if r.token == "" || next < r.acked+r.window {
		return nil
	}
	_, err := r.process.client.Processes.AcknowledgeOutput(ctx, connect.NewRequest(&pmv1.AcknowledgeOutputRequest{
		ProcessId: r.process.id, Run: r.run, HoldToken: r.token, NextOffset: next,
	}))
	if err == nil {
		r.acked = next
	}
	return err
}
