package pm_test

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"pm.example/go/pm"
)

// The tests run against a daemon of their own: that of the command in
// PM_TEST_COMMAND, or of the pm in PATH.
func TestMain(m *testing.M) {
	os.Exit(run(m))
}

func run(m *testing.M) int {
	command := os.Getenv("PM_TEST_COMMAND")
	if command == "" {
		command = "pm"
	}
	path, err := exec.LookPath(command)
	if err != nil {
		fmt.Fprintln(os.Stderr, "pm: the tests need a daemon: put pm into PATH, or name it in PM_TEST_COMMAND")
		return 1
	}
	directory, err := os.MkdirTemp("", "pm-go-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(directory)
	for name, value := range map[string]string{
		"PM_RUNTIME_DIR": filepath.Join(directory, "run"), "PM_STATE_DIR": filepath.Join(directory, "state"),
		"XDG_CONFIG_HOME": filepath.Join(directory, "config"), "PM_HOST": "", "PM_CONTEXT": "", "PM_CONFIG": "",
	} {
		os.Setenv(name, value)
	}
	daemon = path
	if err := startDaemon(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer func() {
		if text, err := exec.Command(daemon, "daemon", "stop", "--stop-processes").CombinedOutput(); err != nil {
			fmt.Fprintf(os.Stderr, "%s%v\n", text, err)
		}
	}()
	return m.Run()
}

var daemon string

func startDaemon() error {
	if text, err := exec.Command(daemon, "daemon", "start").CombinedOutput(); err != nil {
		return fmt.Errorf("%s%w", text, err)
	}
	return nil
}

// replaceDaemon kills the daemon, as nothing is meant to, and starts another.
func replaceDaemon(t *testing.T, client *pm.Client) {
	t.Helper()
	info, err := client.Info(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if err := syscall.Kill(int(info.GetPid()), syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	if err := startDaemon(); err != nil {
		t.Fatal(err)
	}
}

func dial(t *testing.T) (context.Context, *pm.Client) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	t.Cleanup(cancel)
	client, err := pm.Dial(ctx)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.Close)
	return ctx, client
}
