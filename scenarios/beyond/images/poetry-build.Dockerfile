# The build image of 02-poetry-in-image: Poetry in an environment of its own, and configured. Build and push it once,
# and say where it is:
#   docker build -t registry.example.org/you/poetry-build:1.8.3 -f images/poetry-build.Dockerfile images
#   docker push registry.example.org/you/poetry-build:1.8.3
#   layerbench run scenarios/beyond --base poetry-build:1.8.3=registry.example.org/you/poetry-build:1.8.3
FROM python:3.12-slim-bookworm
RUN python -m venv /opt/poetry && \
    /opt/poetry/bin/pip install --no-cache-dir poetry==1.8.3 && \
    ln -s /opt/poetry/bin/poetry /usr/local/bin/poetry
ENV POETRY_VIRTUALENVS_CREATE=true \
    POETRY_VIRTUALENVS_IN_PROJECT=true \
    POETRY_CACHE_DIR=/tmp/poetry_cache
