# One image for web, workers and beat; docker-compose.yml says which command each runs.
FROM python:3.12-slim

ENV PYTHONUNBUFFERED=1 PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1
WORKDIR /srv/app

COPY requirements/base.txt requirements/base.txt
RUN pip install --require-hashes -r requirements/base.txt

COPY . .
# Static files get their hashed names here. The values only satisfy the check of the environment; nothing is contacted.
RUN SECRET_KEY=only-for-collecting-static-files-while-building-the-image \
    RECORD_SIGNING_KEY=only-for-collecting-static-files-while-building \
    DATABASE_URL=postgresql://build@localhost/build REDIS_URL=redis://localhost \
    python manage.py collectstatic --noinput \
    && python -m compileall -q . \
    && useradd --system --home-dir /srv --shell /usr/sbin/nologin app \
    && mkdir -p /srv/files /srv/snapshot /srv/beat \
    && chown app /srv/files /srv/snapshot /srv/beat

USER app
EXPOSE 8000
CMD ["granian", "--interface", "wsgi", "--no-ws", "--host", "0.0.0.0", "--port", "8000", "--workers", "2", "--blocking-threads", "4", "--respawn-failed-workers", "--workers-kill-timeout", "20", "crisiscomms.wsgi:application"]
