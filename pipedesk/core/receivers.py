"""What the ground floor itself reacts to."""

from __future__ import annotations

import os

from django.apps import AppConfig
from django.db.models.signals import post_migrate
from django_q.signals import post_execute

from pipedesk.core.heartbeat import PROGRESS_FILE, job_finished
from pipedesk.core.idempotency import drop_answers
from pipedesk.core.offspring import end_children_with_us
from pipedesk.core.pruning import drop_results
from pipedesk.core.schedules import write_schedules
from pipedesk.core.signals import pruning


def connect(app: AppConfig) -> None:
    """Called once, when the models are there."""
    post_migrate.connect(write_schedules, sender=app, dispatch_uid="core.write_schedules")
    post_execute.connect(job_finished, dispatch_uid="core.job_finished")
    if PROGRESS_FILE in os.environ:  # a cluster under run_worker
        end_children_with_us()
    pruning.connect(drop_results, dispatch_uid="core.drop_results")
    pruning.connect(drop_answers, dispatch_uid="core.drop_answers")
