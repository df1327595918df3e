package pm

import (
	"errors"
	"sync"

	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"
	pmv1 "pm.example/gen/go/pm/v1"
)

// outputCodec is the binary codec for streams of output. It takes the memory
// for the data of a chunk from chunkMemory, where the reader of a stream puts it
// back if its caller lets it. With memory of its own for each chunk, a program
// that has little else collects its garbage every 4 MiB (GOGC), which costs more
// than all the rest of reading.
type outputCodec struct{}

// chunkMemory holds *[]byte of maxChunkBytes.
var chunkMemory = sync.Pool{New: func() any {
	memory := make([]byte, maxChunkBytes)
	return &memory
}}

const (
	// As the contract's.
	maxChunkBytes = 256 << 10
	// Smaller chunks have memory of their own.
	leastPooledBytes = 16 << 10
)

// Name is that of the standard codec: so are the bytes.
func (outputCodec) Name() string { return "proto" }

func (outputCodec) Marshal(message any) ([]byte, error) {
	return proto.Marshal(message.(proto.Message))
}

func (outputCodec) Unmarshal(data []byte, message any) error {
	if response, ok := message.(*pmv1.StreamOutputResponse); ok {
		if chunk, err := onlyChunk(data); chunk != nil || err != nil {
			response.Frame = &pmv1.StreamOutputResponse_Chunk{Chunk: chunk}
			return err
		}
	}
	return proto.Unmarshal(data, message.(proto.Message))
}

// errMalformed is what the standard codec would say at more length.
var errMalformed = errors.New("pm: the daemon sent a malformed chunk of output")

// onlyChunk decodes a StreamOutputResponse that is a chunk and nothing else;
// nil if it is not.
func onlyChunk(data []byte) (*pmv1.OutputChunk, error) {
	number, kind, n := protowire.ConsumeTag(data)
	if n < 0 || number != 2 || kind != protowire.BytesType {
		return nil, nil
	}
	body, m := protowire.ConsumeBytes(data[n:])
	if m < 0 || n+m != len(data) {
		return nil, nil
	}
	chunk := &pmv1.OutputChunk{}
	for len(body) > 0 {
		number, kind, n := protowire.ConsumeTag(body)
		if n < 0 {
			return nil, errMalformed
		}
		body = body[n:]
		switch {
		case number == 1 && kind == protowire.VarintType:
			value, n := protowire.ConsumeVarint(body)
			if n < 0 {
				return nil, errMalformed
			}
			chunk.Stream = pmv1.OutputStream(value)
			body = body[n:]
		case number == 2 && kind == protowire.VarintType:
			value, n := protowire.ConsumeVarint(body)
			if n < 0 {
				return nil, errMalformed
			}
			chunk.Offset = value
			body = body[n:]
		case number == 3 && kind == protowire.BytesType:
			value, n := protowire.ConsumeBytes(body)
			if n < 0 {
				return nil, errMalformed
			}
			chunk.Time = &timestamppb.Timestamp{}
			if err := proto.Unmarshal(value, chunk.Time); err != nil {
				return nil, err
			}
			body = body[n:]
		case number == 4 && kind == protowire.BytesType:
			value, n := protowire.ConsumeBytes(body)
			if n < 0 {
				return nil, errMalformed
			}
			chunk.Data = chunkData(value)
			body = body[n:]
		default:
			n := protowire.ConsumeFieldValue(number, kind, body)
			if n < 0 {
				return nil, errMalformed
			}
			body = body[n:]
		}
	}
	return chunk, nil
}

// chunkData is a copy: the bytes lie in a buffer that is used for the next message.
func chunkData(value []byte) []byte {
	if len(value) < leastPooledBytes || len(value) > maxChunkBytes {
		return append([]byte(nil), value...)
	}
	memory := *chunkMemory.Get().(*[]byte)
	return memory[:copy(memory, value)]
}

// reuse takes the memory of a chunk that nobody needs any more.
func reuse(chunk *pmv1.OutputChunk) {
	if cap(chunk.GetData()) == maxChunkBytes {
		memory := chunk.Data[:maxChunkBytes]
		chunkMemory.Put(&memory)
	}
}
