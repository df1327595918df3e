package pm

import (
	"bytes"
	"testing"

	pmv1 "pm.example/gen/go/pm/v1"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"
)

func TestOutputCodecDecodesAsTheStandardOne(t *testing.T) {
	chunk := func(size int, offset uint64) *pmv1.StreamOutputResponse {
		return &pmv1.StreamOutputResponse{Frame: &pmv1.StreamOutputResponse_Chunk{Chunk: &pmv1.OutputChunk{
			Stream: pmv1.OutputStream_OUTPUT_STREAM_STDERR, Offset: offset,
			Time: &timestamppb.Timestamp{Seconds: 1_800_000_000, Nanos: 7_000_000},
			Data: bytes.Repeat([]byte{byte(size)}, size),
		}}}
	}
	for _, message := range []*pmv1.StreamOutputResponse{
		chunk(1, 0), chunk(leastPooledBytes, 1<<40), chunk(maxChunkBytes, 3),
		{Frame: &pmv1.StreamOutputResponse_Gap{Gap: &pmv1.OutputGap{FromOffset: 1, ToOffset: 9}}},
		{Frame: &pmv1.StreamOutputResponse_Heartbeat{Heartbeat: &pmv1.OutputHeartbeat{NextOffset: 4}}},
		{},
	} {
		encoded, err := proto.Marshal(message)
		if err != nil {
			t.Fatal(err)
		}
		var decoded pmv1.StreamOutputResponse
		if err := (outputCodec{}).Unmarshal(encoded, &decoded); err != nil {
			t.Fatal(err)
		}
		if !proto.Equal(message, &decoded) {
			t.Errorf("%v was decoded to something else", message.GetFrame())
		}
		// The standard one refuses what is cut off, and so must this one.
		for end := len(encoded) - 1; end > 0 && end > len(encoded)-8; end-- {
			want := proto.Unmarshal(encoded[:end], &pmv1.StreamOutputResponse{}) != nil
			if got := (outputCodec{}).Unmarshal(encoded[:end], &decoded) != nil; got != want {
				t.Errorf("%d of %d bytes: refused is %v, expected %v", end, len(encoded), got, want)
			}
		}
	}
}

func TestReusedMemoryIsThatOfAChunkThatWasGivenBack(t *testing.T) {
	memory := chunkData(bytes.Repeat([]byte{1}, leastPooledBytes))
	kept := chunkData(bytes.Repeat([]byte{2}, leastPooledBytes))
	reuse(&pmv1.OutputChunk{Data: memory})
	chunkData(bytes.Repeat([]byte{3}, maxChunkBytes))
	if !bytes.Equal(kept, bytes.Repeat([]byte{2}, leastPooledBytes)) {
		t.Error("memory that was not given back was overwritten")
	}
}
