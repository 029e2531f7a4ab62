# The build image has Poetry already: ../images/poetry-build.Dockerfile makes it.
FROM poetry-build:1.8.3 AS build
WORKDIR /usr/src/app
COPY pyproject.toml poetry.lock ./
RUN --mount=type=cache,target=$POETRY_CACHE_DIR poetry install --no-root --only main

FROM python:3.12-slim-bookworm AS runtime
ENV PATH="/usr/src/app/.venv/bin:${PATH}"
COPY --from=build /usr/src/app/.venv /usr/src/app/.venv
RUN useradd -U -M -d /nonexistent app
USER app
WORKDIR /usr/src/app
COPY hello_world ./hello_world
ENTRYPOINT ["python", "hello_world/main.py"]
