"""Three-step workflows with DBOS on PostgreSQL: RUNS of them at once, and one after another; prints one line of JSON."""

import json
import os
import sys
import time

from dbos import DBOS

runs, url = int(sys.argv[1]), sys.argv[2]
DBOS(config={"name": "peer", "system_database_url": url, "log_level": "ERROR", "run_admin_server": False})
ends = []


@DBOS.step()
def step(number: int) -> str:
    begun = time.perf_counter()
    answer = f"answer {number}"
    ends.append((begun, time.perf_counter()))
    return answer


@DBOS.workflow()
def three(number: int) -> str:
    step(number)
    step(number)
    return step(number)


DBOS.launch()
three(0)
ends.clear()
for number in range(30):
    three(number)
gaps = [after[0] - before[1] for before, after in zip(ends, ends[1:])]
gaps = sorted(gap for place, gap in enumerate(gaps) if place % 3 != 2)

began = time.perf_counter()
handles = [DBOS.start_workflow(three, number) for number in range(runs)]
for handle in handles:
    handle.get_result()
taken = time.perf_counter() - began
print(json.dumps({"runs": runs, "seconds": taken, "gap_ms": 1000 * gaps[len(gaps) // 2]}))
sys.stdout.flush()
os._exit(0)
