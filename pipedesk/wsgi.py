"""The WSGI entry point: `gunicorn pipedesk.wsgi`."""

import os

from django.core.management.base import BaseCommand
from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "pipedesk.settings")

application = get_wsgi_application()
# What no command would start with, no server does either (pipedesk.core.checks).
BaseCommand().check()
