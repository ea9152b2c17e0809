import math
import os

import pytest

from rustybt.optimization.workers.machine import Capacity, capacity_of, own_capacity

GB_IN_KB = 1 << 20
GB = 1 << 30


class Machine:
    """A made-up /proc and /sys."""

    def __init__(self, folder):
        self.proc, self.sys = folder / "proc", folder / "sys"
        self.write("proc/meminfo", f"MemTotal: {32 * GB_IN_KB} kB\nMemAvailable: {24 * GB_IN_KB} kB\n")
        self.write("proc/self/cgroup", "0::/\n")

    def write(self, path, text):
        path = self.proc.parent / path
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)

    def cores(self, *siblings, name="core_cpus_list"):
        for text in siblings:
            for cpu in text.split(","):
                self.write(f"sys/devices/system/cpu/cpu{cpu}/topology/{name}", f"{text}\n")

    def capacity(self, cpus=range(8)):
        return capacity_of(cpus, self.proc, self.sys)


@pytest.fixture
def machine(tmp_path):
    return Machine(tmp_path)


@pytest.mark.parametrize("name", ["core_cpus_list", "thread_siblings_list"])
def test_two_threads_of_a_core_count_once(machine, name):
    machine.cores("0,4", "1,5", "2,6", "3,7", name=name)
    assert machine.capacity() == Capacity(4, math.inf, 24 * 1024)


def test_only_cores_that_the_process_may_use_count(machine):
    machine.cores("0,4", "1,5", "2,6", "3,7")
    assert machine.capacity({0, 4}).cores == 1
    assert machine.capacity({0, 1}).cores == 2
    assert machine.capacity({3, 7, 6}).cores == 2


def test_cpus_of_an_unknown_layout_are_cores(machine):
    assert machine.capacity(range(6)).cores == 6
    assert machine.capacity(()).cores == 1


@pytest.mark.parametrize(("text", "quota"), [("250000 100000", 2.5), ("max 100000", math.inf), ("", math.inf)])
def test_a_quota_of_time_is_read(machine, text, quota):
    machine.write("sys/fs/cgroup/cpu.max", text)
    assert machine.capacity().quota == quota


def test_the_smallest_limit_on_the_way_to_the_root_counts(machine):
    machine.write("proc/self/cgroup", "0::/system.slice/job/step\n")
    machine.write("sys/fs/cgroup/system.slice/job/step/cpu.max", "max 100000")
    machine.write("sys/fs/cgroup/system.slice/job/cpu.max", "300000 100000")
    machine.write("sys/fs/cgroup/system.slice/cpu.max", "400000 100000")
    machine.write("sys/fs/cgroup/system.slice/memory.max", str(6 * GB))
    machine.write("sys/fs/cgroup/system.slice/memory.current", str(5 * GB))
    machine.write("sys/fs/cgroup/system.slice/memory.stat", f"anon {4 * GB}\ninactive_file {GB}\n")
    assert machine.capacity() == Capacity(8, 3.0, 2 * 1024)


def test_a_container_that_sees_its_own_group_as_the_root_is_limited_by_it(machine):
    machine.write("proc/self/cgroup", "0::/docker/0123abc\n")
    machine.write("sys/fs/cgroup/cpu.max", "150000 100000")
    machine.write("sys/fs/cgroup/memory.max", str(GB))
    machine.write("sys/fs/cgroup/memory.current", "0")
    assert machine.capacity() == Capacity(8, 1.5, 1024)


def test_groups_of_version_1_are_read(machine):
    lines = ["12:pids:/box", "4:memory:/box", "2:cpu,cpuacct:/box/inner", "0::/"]
    machine.write("proc/self/cgroup", "\n".join(lines))
    machine.write("sys/fs/cgroup/cpu/box/cpu.cfs_quota_us", "200000")
    machine.write("sys/fs/cgroup/cpu/box/cpu.cfs_period_us", "50000")
    machine.write("sys/fs/cgroup/cpu/box/inner/cpu.cfs_quota_us", "-1")
    machine.write("sys/fs/cgroup/cpu/box/inner/cpu.cfs_period_us", "100000")
    machine.write("sys/fs/cgroup/memory/box/memory.limit_in_bytes", str(4 * GB))
    machine.write("sys/fs/cgroup/memory/box/memory.usage_in_bytes", str(3 * GB))
    machine.write("sys/fs/cgroup/memory/box/memory.stat", f"inactive_file 1\ntotal_inactive_file {GB // 2}\n")
    assert machine.capacity() == Capacity(8, 4.0, 1.5 * 1024)


def test_no_limit_of_version_1_is_a_very_large_one(machine):
    machine.write("proc/self/cgroup", "4:memory:/\n")
    machine.write("sys/fs/cgroup/memory/memory.limit_in_bytes", "9223372036854771712")
    machine.write("sys/fs/cgroup/memory/memory.usage_in_bytes", str(GB))
    assert machine.capacity().memory_mb == 24 * 1024


def test_a_group_over_its_limit_leaves_nothing(machine):
    machine.write("sys/fs/cgroup/memory.max", str(GB))
    machine.write("sys/fs/cgroup/memory.current", str(2 * GB))
    assert machine.capacity().memory_mb == 0
    assert machine.capacity().workers == 1


def test_a_system_that_tells_nothing_has_no_limits(tmp_path):
    assert capacity_of({0, 1}, tmp_path, tmp_path) == Capacity(2, math.inf, math.inf)


@pytest.mark.parametrize(
    ("capacity", "workers"),
    [
        (Capacity(16), 16),
        (Capacity(16, quota=0.5), 1),
        (Capacity(16, quota=3.9), 3),
        (Capacity(16, memory_mb=1000), 3),
        (Capacity(16, memory_mb=10), 1),
        (Capacity(2, quota=8.0, memory_mb=1e6), 2),
    ],
)
def test_the_scarcest_decides(capacity, workers):
    assert capacity.workers == workers


def test_this_machine_bears_no_more_than_its_cpus():
    assert 1 <= own_capacity().workers <= len(os.sched_getaffinity(0))
