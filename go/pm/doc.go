// Package pm talks to pm, a process manager for Linux.
//
//	client, err := pm.Dial(ctx)
//	if err != nil {
//		return err
//	}
//	defer client.Close()
//	process, err := client.Start(ctx, &pmv1.ProcessSpec{Executable: "make", Args: []string{"test"}})
//	if err != nil {
//		return err
//	}
//	end, err := process.Copy(ctx, os.Stdout, os.Stderr)
//
// Dial finds the daemon as the pm command does: PM_HOST, PM_CONTEXT, the
// contexts that `pm context` keeps, else this user's unix socket. The package
// does not start a daemon: run `pm daemon start`, or any pm command, once.
//
// Output is read by offset. [Process.Output] resumes where it was when the
// connection is lost or another daemon takes over, and reports what the output
// limit has dropped as a [Gap]: no byte is missing or doubled in silence.
//
// Every error of the daemon is an [*Error] with the contract's reason. Decide
// by [Error.Reason], never by the text.
//
// What is to be restarted, probed or queued is in the policy of a process's
// spec. [Client.ApplyProject] starts several that belong together,
// [Client.SetSchedule] starts one at certain times, [Client.SetQueue] bounds how
// many run at a time, and [Process.WaitUntilReady] waits for readiness.
//
// The generated clients are fields of [Client] for everything that has no method
// here. A user of grpc-go wants the package pmv1grpc instead of this one.
package pm
