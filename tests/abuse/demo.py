"""The server under attack: starts it on free ports of loopback, looks at its memory, and stops it by its pid."""

import os
import re
import resource
import signal
import subprocess
import tempfile
import time

MEMORY_LIMIT_MIB = 512
# Longer than the server takes to drain.
STOP_SECONDS = 20


class Demo:
    """One running demo-app. Use it in a `with`: it ends there, whatever happens."""

    def __init__(self, settings=None, descriptors=None, log=None):
        """`settings` are environment variables, `descriptors` its limit of files, `log` what takes its standard error."""
        environment = {name: value for name, value in os.environ.items() if name in ("PATH", "HOME", "TMPDIR")}
        environment |= {"PORT": "0", "ADMIN_ADDR": "127.0.0.1:0", "MEMORY_LIMIT": f"{MEMORY_LIMIT_MIB}MiB", "RUST_LOG": "warn"}
        environment |= settings or {}
        self.greeting = tempfile.TemporaryFile()
        self.log = tempfile.TemporaryFile()

        def limit():
            if descriptors:
                resource.setrlimit(resource.RLIMIT_NOFILE, (descriptors, descriptors))

        self.asked = False
        self.process = subprocess.Popen(
            [os.environ["SERVER"]], env=environment, stdin=subprocess.DEVNULL, stdout=self.greeting,
            stderr=log or self.log, preexec_fn=limit)
        self.pid = self.process.pid
        try:
            self.address, self.private = self._addresses()
        except BaseException:
            self.process.kill()
            self.process.wait()
            raise

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()

    def _addresses(self):
        """Where it listens: the public address, and the private one of health and controls, which may be the same."""
        for _ in range(100):
            self.greeting.seek(0)
            text = self.greeting.read().decode()
            found = re.findall(r"http://(127\.0\.0\.1):(\d+)", text)
            if "everything else" in text and found:
                addresses = list(dict.fromkeys((host, int(port)) for host, port in found))
                return addresses[0], addresses[-1]
            if self.process.poll() is not None:
                raise SystemExit(f"the demo ended at once: {self.logged()[-500:]}")
            time.sleep(0.1)
        raise SystemExit("the demo did not say within 10 s where it listens")

    def memory(self):
        """The resident memory in MiB, now and at its highest; zeros once the process is gone."""
        try:
            with open(f"/proc/{self.pid}/status") as status:
                fields = dict(line.split(":", 1) for line in status if ":" in line)
            return tuple(int(fields[name].split()[0]) / 1024 for name in ("VmRSS", "VmHWM"))
        except (OSError, KeyError):
            return (0.0, 0.0)

    def descriptors(self):
        """How many files and sockets it has open."""
        try:
            return len(os.listdir(f"/proc/{self.pid}/fd"))
        except OSError:
            return 0

    def logged(self):
        """What it wrote to its standard error, where that is not the attack's."""
        self.log.seek(0)
        return self.log.read().decode(errors="replace")

    def ask_to_stop(self):
        """Sends SIGTERM, once: a second one ends the demo without waiting for open requests."""
        if not self.asked and self.process.poll() is None:
            self.asked = True
            self.process.send_signal(signal.SIGTERM)

    def stop(self):
        """Stops it and returns its exit status; None if it had to be killed."""
        self.ask_to_stop()
        try:
            return self.process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            return None
