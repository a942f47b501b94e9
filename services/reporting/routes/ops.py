"""What operators ask of reporting: to make all figures anew from the topics."""

from aiokafka import AIOKafkaConsumer, TopicPartition
from fastapi import Response
from fastapi.responses import JSONResponse

from schemas.topics import TOPICS
from services.chassis.context import Context
from services.chassis.web import Ctx, Permission, Router
from services.reporting import projector
from services.reporting.repository import offsets
from services.reporting.repository.offsets import Partition

router = Router()


@router.post("/ops/reporting/rebuild", permission=Permission.OPERATE)
async def rebuild(ctx: Ctx) -> Response:
    """Forgets all figures and has the topics read again from the start."""
    ends = await _ends(ctx)
    async with ctx.db.transaction() as tx:
        await offsets.start_rebuild(tx.connection, ends, tx.now())
    return JSONResponse({"state": "running", "read": 0, "of": sum(ends.values())}, status_code=202)


@router.get("/ops/reporting/rebuild", permission=Permission.OPERATE)
async def rebuild_state(ctx: Ctx) -> Response:
    """How far the latest rebuild has come, in records."""
    async with ctx.db.transaction() as tx:
        read, of = await offsets.rebuild_progress(tx.connection)
    return JSONResponse({"state": "done" if read >= of else "running", "read": read, "of": of})


async def _ends(ctx: Context) -> dict[Partition, int]:
    """Where each partition that reporting reads ends now."""
    consumer = AIOKafkaConsumer(bootstrap_servers=ctx.settings.kafka_servers)
    try:
        await consumer.start()
        ours = {
            TopicPartition(ctx.topic(name), part): (name, part)
            for name in projector.topics()
            for part in range(TOPICS[name].partitions)
        }
        ends = await consumer.end_offsets(list(ours))
        return {ours[partition]: end for partition, end in ends.items()}
    finally:
        await consumer.stop()
