"""Every queue, route and clock in one file. Celery is the doorbell; what is due stands in PostgreSQL."""

import os
from typing import Any

from celery import Celery
from celery.signals import setup_logging
from django_structlog.celery.steps import DjangoStructLogInitStep
from kombu import Queue

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "crisiscomms.settings")

from django.conf import settings

from crisiscomms import broker, environment

broker.use()
app = Celery("crisiscomms")

QUEUES = ("deadlines", "approvals", "delivery", "imports", "default")
# The longest task works for 60 s, then rings again; three times that is when an unacknowledged bell is rung anew.
VISIBILITY = {
    "visibility_timeout": 180,
    "unacked_restore_interval": 10,
    "unacked_restore_throttle": 1,
    # A person who presses waits for one try only: the sweep rings again. Workers reconnect by their own setting.
    "max_retries": 0,
    "socket_timeout": 3,
    "socket_connect_timeout": 3,
    "socket_keepalive": True,
    "health_check_interval": 10,
}


def _knock_at(queue: str) -> dict[str, Any]:
    options = {"queue": queue, "expires": 60}
    return {"task": "crisiscomms.tasks.heartbeat", "schedule": 30.0, "kwargs": {"queue": queue}, "options": options}


app.conf.update(
    broker_url=environment.broker(settings.ENV.redis_url),
    broker_transport_options=VISIBILITY,
    broker_connection_retry_on_startup=True,
    broker_connection_max_retries=None,
    broker_pool_acquire_timeout=3,
    task_ignore_result=True,
    task_acks_late=True,
    task_reject_on_worker_lost=True,
    worker_prefetch_multiplier=1,
    worker_max_memory_per_child=180_000,
    # Claims make a second run harmless, and a cancelled sender would leave mails in doubt at each Redis blip.
    worker_cancel_long_running_tasks_on_connection_loss=False,
    worker_soft_shutdown_timeout=8,
    worker_enable_soft_shutdown_on_idle=True,
    worker_hijack_root_logger=False,
    task_soft_time_limit=90,
    task_time_limit=120,
    task_publish_retry=False,
    task_serializer="json",
    accept_content=["json"],
    timezone="UTC",
    enable_utc=True,
    task_default_queue="default",
    task_queues=[Queue(name) for name in QUEUES],
    task_routes={
        "incidents.tasks.tick": {"queue": "deadlines"},
        "incidents.tasks.judge_signals": {"queue": "default"},
        "incidents.tasks.forget_receipts": {"queue": "default"},
        "incidents.tasks.make_archive": {"queue": "imports"},
        "incidents.tasks.sweep_archives": {"queue": "default"},
        "delivery.tasks.send_notices": {"queue": "approvals"},
        "delivery.tasks.say_in_chat": {"queue": "approvals"},
        "delivery.tasks.send_anchors": {"queue": "imports"},
        "delivery.tasks.deliver": {"queue": "delivery"},
        "delivery.tasks.sweep": {"queue": "default"},
        "stakeholders.tasks.run_import": {"queue": "imports"},
        "stakeholders.tasks.sweep_imports": {"queue": "default"},
        "crisiscomms.tasks.heartbeat": {"queue": "default"},
        "crisiscomms.tasks.make_digests": {"queue": "default"},
        "crisiscomms.tasks.forget_answers": {"queue": "default"},
        "crisiscomms.tasks.ping_watchdog": {"queue": "default"},
        # Behind imports: it may take a while, and nothing waits for it.
        "crisiscomms.tasks.apply_retention": {"queue": "imports"},
    },
    beat_schedule={
        "tick": {"task": "incidents.tasks.tick", "schedule": 2.0, "options": {"expires": 10}},
        "signals": {"task": "incidents.tasks.judge_signals", "schedule": 5.0, "options": {"expires": 10}},
        "receipts": {"task": "incidents.tasks.forget_receipts", "schedule": 3600.0, "options": {"expires": 7200}},
        "notices": {"task": "delivery.tasks.send_notices", "schedule": 5.0, "options": {"expires": 10}},
        "chat": {"task": "delivery.tasks.say_in_chat", "schedule": 5.0, "options": {"expires": 10}},
        "sweep": {"task": "delivery.tasks.sweep", "schedule": 5.0, "options": {"expires": 10}},
        "imports": {"task": "stakeholders.tasks.sweep_imports", "schedule": 15.0, "options": {"expires": 30}},
        "archives": {"task": "incidents.tasks.sweep_archives", "schedule": 15.0, "options": {"expires": 30}},
        # Every few minutes: eight o'clock comes at another moment in each zone, and some are off by a quarter of an hour.
        "digests": {"task": "crisiscomms.tasks.make_digests", "schedule": 300.0, "options": {"expires": 300}},
        "answers": {"task": "crisiscomms.tasks.forget_answers", "schedule": 3600.0, "options": {"expires": 7200}},
        "anchors": {"task": "delivery.tasks.send_anchors", "schedule": 60.0, "options": {"expires": 60}},
        "watchdog": {"task": "crisiscomms.tasks.ping_watchdog", "schedule": 30.0, "options": {"expires": 30}},
        "retention": {"task": "crisiscomms.tasks.apply_retention", "schedule": 3600.0, "options": {"expires": 3600}},
        # Each queue is asked by itself: one dead worker must not hide behind the others.
        **{f"heartbeat-{name}": _knock_at(name) for name in QUEUES},
    },
    beat_scheduler="celery.beat.PersistentScheduler",
)
app.autodiscover_tasks(["crisiscomms", "incidents", "stakeholders", "delivery"])


# The number of the request that rang, and the task's own, stand on every line that a task writes.
app.steps["worker"].add(DjangoStructLogInitStep)


@setup_logging.connect
def _keep_django_logging(**_: Any) -> None:
    """Without a receiver here Celery would replace the JSON log with its own."""
