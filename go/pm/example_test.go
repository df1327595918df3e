package pm_test

import (
	"context"
	"fmt"
	"log"
	"os"

	pmv1 "pm.example/gen/go/pm/v1"
	"pm.example/go/pm"
)

// From nothing to a followed process.
func Example() {
	ctx := context.Background()
	client, err := pm.Dial(ctx)
	if err != nil {
		log.Fatal(err)
	}
	defer client.Close()
	process, err := client.Start(ctx, &pmv1.ProcessSpec{Executable: "sh", Args: []string{"-c", "echo hello; exit 3"}})
	if err != nil {
		log.Fatal(err)
	}
	end, err := process.Copy(ctx, os.Stdout, os.Stderr)
	fmt.Println("exit code", end.GetExit().GetCode(), err)
	// Output:
	// hello
	// exit code 3 <nil>
}

// An error is told by its reason.
func ExampleIsReason() {
	ctx := context.Background()
	client, err := pm.Dial(ctx)
	if err != nil {
		log.Fatal(err)
	}
	defer client.Close()
	_, err = client.Start(ctx, &pmv1.ProcessSpec{Executable: "/no/such/program"})
	fmt.Println(pm.IsReason(err, pmv1.ErrorReason_ERROR_REASON_START_FAILED))
	// Output: true
}
