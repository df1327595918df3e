module pm.example/go

go 1.26.0

require (
	connectrpc.com/connect v1.21.1
	google.golang.org/genproto/googleapis/rpc v0.0.0-20260817212433-ac3dfec99bb1
	google.golang.org/protobuf v1.36.12
	pm.example/gen/go v0.0.0
)

replace pm.example/gen/go => ../gen/go
