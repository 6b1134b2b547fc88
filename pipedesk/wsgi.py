"""The WSGI entry point: `gunicorn pipedesk.wsgi`."""

import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "pipedesk.settings")

application = get_wsgi_application()
