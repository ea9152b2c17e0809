"""Which cases does the optimizer's bench have?"""

from scripts.benchmarks.optimizer import efficiency, fresh, latency, memory, overhead

CASES = {
    "overhead": overhead.run,
    "efficiency": efficiency.run,
    "latency": latency.run,
    "memory": memory.run,
    "fresh": fresh.run,
}
