package pm

import (
	"context"

	"connectrpc.com/connect"
)

// unary makes a call that is safe to repeat, by retry.
func unary[Request, Response any](
	ctx context.Context,
	call func(context.Context, *connect.Request[Request]) (*connect.Response[Response], error),
	request *Request,
) (*Response, error) {
	return retry(ctx, func(ctx context.Context) (*Response, error) {
		response, err := call(ctx, connect.NewRequest(request))
		if err != nil {
			return nil, err
		}
		return response.Msg, nil
	})
}

// once makes a call that is not safe to repeat.
func once[Request, Response any](
	ctx context.Context,
	call func(context.Context, *connect.Request[Request]) (*connect.Response[Response], error),
	request *Request,
) (*Response, error) {
	response, err := call(ctx, connect.NewRequest(request))
	if err != nil {
		return nil, explain(err)
	}
	return response.Msg, nil
}
