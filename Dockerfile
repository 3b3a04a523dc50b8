# The production image: locked packages and the code, without the embedded servers' wheels.
FROM python:3.11-slim

ENV PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 LOG_FORMAT=json PORT=8000
WORKDIR /app

COPY requirements/runtime.txt requirements/runtime.txt
RUN pip install --no-cache-dir --disable-pip-version-check --root-user-action=ignore \
    --require-hashes -r requirements/runtime.txt

COPY . .

# An account without rights; nothing below /app is written at run time.
USER nobody

# One image, several processes: the Procfile names each one's command.
CMD ["sh", "-c", "exec gunicorn 'web.factory:create_app()' --no-control-socket --bind [::]:$PORT --workers 2 --threads 8 --graceful-timeout 30 --log-level warning"]
