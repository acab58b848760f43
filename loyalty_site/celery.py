"""Background work. Messages are only doorbells: the database holds all state, so a flushed broker loses nothing."""

import os

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "loyalty_site.settings")
# A deploy's SIGTERM lets a batch finish instead of waiting without limit. Read before celery is imported.
os.environ.setdefault("REMAP_SIGTERM", "SIGQUIT")

from celery import Celery
from celery.schedules import crontab

from loyalty_site import broker

broker.install()
app = Celery("loyalty_site")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.conf.update(
    task_serializer="json",
    accept_content=["json"],
    task_acks_late=True,
    task_reject_on_worker_lost=True,
    task_ignore_result=True,
    task_time_limit=240,
    task_default_queue="web",
    task_routes={"surveys.tasks.send_*": {"queue": "send"}},
    worker_prefetch_multiplier=1,
    worker_soft_shutdown_timeout=30,
    worker_enable_soft_shutdown_on_idle=True,
    worker_hijack_root_logger=False,
    broker_connection_retry_on_startup=True,
    broker_pool_acquire_timeout=5,
    broker_transport_options={"visibility_timeout": 900, "unacked_restore_interval": 10, "unacked_restore_throttle": 1},
    timezone="UTC",
    beat_schedule={
        "plan-surveys": {"task": "surveys.tasks.plan_runs", "schedule": 15},
        "find-occasions": {"task": "surveys.tasks.find_occasions", "schedule": crontab(minute="10")},
        "ring-sender": {"task": "surveys.tasks.send_due", "schedule": 15},
        "release-thanks": {"task": "surveys.tasks.release_thanks", "schedule": 300},
        # The webhook rings; the clock looks after what its bell missed, and after reports that wait for their message.
        "read-mail-reports": {"task": "surveys.tasks.read_reports", "schedule": 60},
        "tell-of-mails": {"task": "surveys.tasks.tell_of_mails", "schedule": crontab(minute="15", hour="6")},
        "reap-messages": {"task": "surveys.tasks.reap_messages", "schedule": 30},
        "tell-of-a-stall": {"task": "surveys.tasks.tell_of_a_stall", "schedule": 300},
        # Late beats are worth nothing: the next one comes in thirty seconds.
        "beat-heart": {"task": "customers.tasks.beat_heart", "schedule": 30, "options": {"expires": 30}},
        "escalate-cases": {"task": "surveys.tasks.escalate_cases", "schedule": 300},
        "post-to-chats": {"task": "surveys.tasks.send_chat_posts", "schedule": 30},
        "index-verbatims": {"task": "surveys.tasks.index_verbatims", "schedule": 60},
        "ring-imports": {"task": "rewards.tasks.run_imports", "schedule": 60},
        "ring-coupons": {"task": "rewards.tasks.work_on_coupons", "schedule": 60},
        "ring-surprises": {"task": "rewards.tasks.work_on_surprises", "schedule": 60},
        "send-notices": {"task": "customers.tasks.send_notices", "schedule": 20},
        "release-holds": {"task": "rewards.tasks.release_holds", "schedule": 60},
        "lapse-adjustments": {"task": "rewards.tasks.lapse_adjustment_requests", "schedule": 300},
        # Late bells are worth nothing: the next one rings in five seconds.
        "deliver-webhooks": {
            "task": "customers.tasks.deliver_webhooks",
            "schedule": 5,
            "options": {"expires": 5},
        },
        "tidy-webhooks": {"task": "customers.tasks.tidy_webhooks", "schedule": crontab(minute="50", hour="3")},
        # The programme's midnight is a moment of its own zone; the task looks at the calendar, so hourly is enough.
        "daily-points": {"task": "rewards.tasks.run_daily", "schedule": crontab(minute="5")},
        # Once a day there is something to do; a night that was cut short goes on at the next bell.
        "recommend": {"task": "customers.tasks.recommend", "schedule": crontab(minute="25")},
        "stand": {"task": "customers.tasks.stand", "schedule": crontab(minute="35")},
        # What the pages of insights read; nothing that has not changed is counted again.
        "count-who-comes-back": {
            "task": "customers.tasks.count_who_comes_back",
            "schedule": crontab(minute="20", hour="*/3"),
        },
        "count-vintages": {"task": "rewards.tasks.count_vintages", "schedule": crontab(minute="45", hour="*/3")},
        # In the first week of a month, once its months are counted; each reader gets it once.
        "report-month": {"task": "loyalty_site.tasks.report_month", "schedule": crontab(minute="55", hour="6-20")},
        "forget-api-requests": {
            "task": "customers.tasks.forget_api_requests",
            "schedule": crontab(minute="20", hour="3"),
        },
        "forget-sessions": {"task": "customers.tasks.forget_sessions", "schedule": crontab(minute="15")},
        "make-exports": {"task": "customers.tasks.make_exports", "schedule": 30},
        "keep-no-longer": {"task": "customers.tasks.keep_no_longer", "schedule": crontab(minute="10", hour="4")},
        "prove-books": {"task": "rewards.tasks.prove_books", "schedule": crontab(minute="40", hour="2")},
    },
)
app.autodiscover_tasks()
