FROM python:3.11-slim-bookworm
# What COPY may take is named in .dockerignore.
ENV PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 PIP_NO_CACHE_DIR=1
RUN apt-get update && apt-get install -y --no-install-recommends tini && rm -rf /var/lib/apt/lists/*
WORKDIR /app
COPY requirements.lock ./
RUN pip install --require-hashes -r requirements.lock
COPY . .
RUN SECRET_KEY=only-to-collect-static-files-at-build-time-0123456789 python manage.py collectstatic --no-input \
 && useradd --system app && mkdir -p var && chown app var
USER app
# tini forwards signals to the main process only; a job in a worker ends by itself.
ENTRYPOINT ["tini", "--"]
CMD ["gunicorn", "pipedesk.wsgi", "--bind", "0.0.0.0:8000"]
