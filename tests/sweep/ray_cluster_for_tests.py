"""A Ray cluster of several nodes on this machine, led by words on stdin: kill and add.

It is a process of its own, so that no other test meets Ray's settings, signal handlers and threads.
"""

import sys

from ray.cluster_utils import Cluster

STORE = 80 * 2**20
WORKER = {"num_cpus": 1, "num_gpus": 1, "object_store_memory": STORE}
"""Whether there is a GPU, Ray does not look."""

HEALTH = {
    "health_check_initial_delay_ms": 500,
    "health_check_period_ms": 500,
    "health_check_timeout_ms": 2000,
    "health_check_failure_threshold": 3,
}


def main():
    head = {"num_cpus": 0, "object_store_memory": STORE, "include_dashboard": False}
    cluster = Cluster(initialize_head=True, head_node_args={**head, "_system_config": HEALTH})
    try:
        workers = [cluster.add_node(**WORKER) for _ in range(2)]
        print(cluster.address, flush=True)
        for word in sys.stdin:
            if word.strip() == "kill":
                cluster.remove_node(workers.pop(0), allow_graceful=False)
            else:
                workers.append(cluster.add_node(**WORKER))
            print(word.strip(), flush=True)
    finally:
        cluster.shutdown()


if __name__ == "__main__":
    main()
