"""Runs against a daemon of its own: PM_TEST_COMMAND, else the pm in PATH."""

import hashlib
import os
import shutil
import signal
import subprocess
import tempfile
import threading
import unittest

import pm
from pm.v1 import run_pb2, spec_pb2

COMMAND = os.environ.get("PM_TEST_COMMAND", "pm")


def run_pm(*args):
    subprocess.run([COMMAND, *args], check=True, stdout=subprocess.DEVNULL)


def setUpModule():
    directory = tempfile.mkdtemp(prefix="pm-python-")
    unittest.addModuleCleanup(shutil.rmtree, directory)
    for name, place in {"PM_RUNTIME_DIR": "run", "PM_STATE_DIR": "state", "XDG_CONFIG_HOME": "config"}.items():
        os.environ[name] = os.path.join(directory, place)
    for name in ("PM_HOST", "PM_CONTEXT", "PM_CONFIG"):
        os.environ.pop(name, None)
    run_pm("daemon", "start")
    unittest.addModuleCleanup(run_pm, "daemon", "stop", "--stop-processes")


class ClientTest(unittest.TestCase):
    def setUp(self):
        self.client = pm.dial()
        self.addCleanup(self.client.close)

    def test_from_nothing_to_a_followed_process(self):
        process = self.client.start("sh", "-c", "echo hello; exit 3", name="greeter", labels={"test": "python"})
        pieces = list(process.output())
        self.assertEqual(b"".join(piece.chunk.data for piece in pieces if piece.chunk), b"hello\n")
        self.assertEqual(pieces[-1].end.exit.code, 3)
        self.assertEqual(process.wait().exit.code, 3)
        self.assertEqual(self.client.process(id=process.id).get().name, "greeter")

    def test_output_survives_the_daemon(self):
        script = "i=0; while [ $i -lt 2000 ]; do echo line $i; i=$((i+1)); [ $((i%200)) = 0 ] && sleep 0.05; done"
        process = self.client.start("sh", "-c", script)
        want = hashlib.sha256(b"".join(b"line %d\n" % i for i in range(2000)))
        got, killed = hashlib.sha256(), False
        for piece in process.output():
            self.assertIsNone(piece.gap)
            if piece.chunk is not None:
                got.update(piece.chunk.data)
            if not killed:
                killed = True
                os.kill(self.client.info().pid, signal.SIGKILL)
                run_pm("daemon", "start")
        self.assertEqual(got.hexdigest(), want.hexdigest())

    def test_more_calls_than_a_connection_takes(self):
        process = self.client.start("sleep", "1000")
        signals = []
        waiting = [threading.Thread(target=lambda: signals.append(process.wait().exit.signal)) for _ in range(300)]
        for thread in waiting:
            thread.start()
        # Neither these nor the first calls of another client wait for one of those to end.
        self.assertEqual(process.get().id, process.id)
        with pm.dial() as other:
            self.assertEqual(other.process(id=process.id).get().id, process.id)
        process.stop(force=True, grace_seconds=0)
        for thread in waiting:
            thread.join()
        self.assertEqual(len(signals), 300)

    def test_errors_have_reasons(self):
        with self.assertRaises(pm.Error) as caught:
            self.client.start("/no/such")
        self.assertEqual(caught.exception.reason, "START_FAILED")
        self.assertEqual(caught.exception.metadata["errno_name"], "ENOENT")
        with self.assertRaises(pm.Error) as caught:
            self.client.start("true", spec=spec_pb2.ProcessSpec(umask=0o1000, nice=99))
        self.assertEqual(len(caught.exception.violations), 2)
        with self.assertRaises(pm.Error) as caught:
            self.client.process("nobody")
        self.assertEqual(caught.exception.reason, "PROCESS_NOT_FOUND")

    def test_wait_input_stop_and_remove(self):
        process = self.client.start("cat", spec=spec_pb2.ProcessSpec(stdin=spec_pb2.STDIN_MODE_PIPE))
        with self.assertRaises(pm.Error) as caught:
            process.wait(timeout=0.1)
        self.assertEqual(caught.exception.code.name, "DEADLINE_EXCEEDED")
        process.write(b"text", close=True)
        self.assertEqual(process.wait().exit.code, 0)
        process.remove()

        sleeper = self.client.start("sleep", "1000")
        receipt = sleeper.stop(grace_seconds=10, force=True)
        self.assertEqual(receipt.outcome, run_pb2.STOP_OUTCOME_STOPPED)
        sleeper.remove()

    def test_places(self):
        socket = os.path.join(os.environ["PM_RUNTIME_DIR"], "pm.sock")
        with pm.dial(socket=socket) as other:
            self.assertEqual(other.info().instance_id, self.client.info().instance_id)
        for wrong in ({"socket": "pm.sock"}, {"address": "http://x:1"}, {"socket": socket, "context": "default"}):
            with self.assertRaises(ValueError):
                pm.dial(**wrong)


if __name__ == "__main__":
    unittest.main()
