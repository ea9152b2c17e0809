"""Which process holds the Dask cluster that a pool starts for itself?

A fresh interpreter: Dask's worker processes run the main module of the process that starts them again, which must not
be the user's. It ends, and its workers with it, when the driver's end of its standard input closes.
"""

import os
import shutil
import signal
import tempfile
import weakref
from importlib import import_module
from subprocess import PIPE, Popen
from typing import Any

from rustybt.errors import WorkerError
from rustybt.optimization.workers.ending import describe_exit
from rustybt.optimization.workers.launch import end_process, start_interpreter


def main(num_workers: int, scratch: str) -> None:
    """Start a cluster, print its address, and keep it until the driver hangs up.

    Parameters
    ----------
    num_workers : int
        Processes.
    scratch : str
        Folder for what Dask writes; it is removed at the end.
    """
    dask: Any = import_module("dask")
    distributed: Any = import_module("distributed")
    with os.fdopen(os.dup(1), "w", encoding="ascii") as answer:
        os.dup2(2, 1)  # what user code prints in the workers goes to the driver's stderr
        settings = {
            "temporary-directory": scratch,
            "distributed.scheduler.allowed-failures": 0,
            "distributed.scheduler.http.routes": [],
            "distributed.worker.http.routes": [],
            "distributed.worker.profile.enabled": False,
        }
        with dask.config.set(settings):
            cluster = distributed.LocalCluster(
                n_workers=num_workers,
                threads_per_worker=1,
                processes=True,
                host="127.0.0.1",
                dashboard_address="127.0.0.1:0",
                scheduler_kwargs={"dashboard": False},
                memory_limit=None,
                local_directory=scratch,
            )
            print(cluster.scheduler_address, file=answer, flush=True)
            os.read(0, 1)
    shutil.rmtree(scratch, ignore_errors=True)
    if hasattr(os, "killpg"):
        os.killpg(0, signal.SIGKILL)
    cluster.close()


class DaskHost:
    """A cluster of this machine, as the driver sees it.

    Parameters
    ----------
    num_workers : int
        Processes.

    Attributes
    ----------
    address : str
        Of its scheduler.
    """

    def __init__(self, num_workers: int) -> None:
        LIVING.add(self)
        self.scratch = tempfile.mkdtemp(prefix="rustybt-dask-")
        code = f"from rustybt.optimization.workers.dask_host import main; main({num_workers}, {self.scratch!r})"
        self.process: Popen[bytes] = start_interpreter(code, stdin=PIPE, stdout=PIPE)
        assert self.process.stdout is not None
        self.address = self.process.stdout.readline().decode("ascii").strip()
        if not self.address:
            self.end()
            how = describe_exit(self.process.returncode)
            raise WorkerError(f"the Dask cluster's process {how}; what it wrote is on stderr")

    def end(self) -> None:
        """End all its processes at once."""
        if self.process.returncode is None and hasattr(os, "killpg"):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.hang_up()
        end_process(self.process)
        shutil.rmtree(self.scratch, ignore_errors=True)

    def hang_up(self) -> None:
        """Close this process's ends of the pipes: the cluster ends when all processes that have them did."""
        for pipe in (self.process.stdin, self.process.stdout):
            assert pipe is not None
            pipe.close()


LIVING: "weakref.WeakSet[DaskHost]" = weakref.WeakSet()


def let_go_after_fork() -> None:
    """Let, in a fork of this process, its clusters end with this process alone."""
    for host in list(LIVING):
        host.hang_up()
        host.process.returncode = 0  # not a child of the fork, and nothing to end or wait for


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=let_go_after_fork)
