import pytest

from rustybt.optimization.workers.pool import PersistentWorkerPool


@pytest.fixture(scope="package")
def fork_pool():
    with PersistentWorkerPool(2, start_method="fork") as pool:
        yield pool


@pytest.fixture(scope="package")
def spawn_pool():
    with PersistentWorkerPool(2, start_method="spawn") as pool:
        yield pool


@pytest.fixture(params=["fork", "spawn"])
def any_pool(request):
    return request.getfixturevalue(f"{request.param}_pool")
