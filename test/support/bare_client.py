"""A bare Temporal client in Python: starts or joins a job, prints its result and its record as JSON.

Usage: bare_client.py ADDRESS TASK_QUEUE JOB_ID ARGUMENT_JSON
"""

import asyncio
import json
import os
import sys

from temporalio.client import Client
from temporalio.common import WorkflowIDConflictPolicy, WorkflowIDReusePolicy


async def main(address: str, task_queue: str, job_id: str, argument: str) -> None:
    client = await Client.connect(address)
    handle = await client.start_workflow(
        "inferenceJob",
        json.loads(argument),
        id=job_id,
        task_queue=task_queue,
        id_reuse_policy=WorkflowIDReusePolicy.ALLOW_DUPLICATE_FAILED_ONLY,
        id_conflict_policy=WorkflowIDConflictPolicy.USE_EXISTING,
    )
    print("started", flush=True)
    result = await handle.result()
    print(json.dumps({"result": result, "record": await handle.query("record")}), flush=True)


asyncio.run(main(*sys.argv[1:]))
# its native threads can crash an interpreter that tears itself down
os._exit(0)
