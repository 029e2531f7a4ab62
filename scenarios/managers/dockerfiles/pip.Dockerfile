# The same with what the base image has already: venv and pip. requirements.txt holds the main requirements, all
# with versions and hashes; pip itself stays out of the environment.
FROM python:3.12-slim-bookworm AS build
WORKDIR /usr/src/app
ENV PIP_CACHE_DIR=/tmp/pip_cache
COPY requirements.txt ./
RUN --mount=type=cache,target=$PIP_CACHE_DIR \
    python -m venv --without-pip .venv && pip --python .venv/bin/python install --require-hashes -r requirements.txt

FROM python:3.12-slim-bookworm AS runtime
ENV PATH="/usr/src/app/.venv/bin:${PATH}"
COPY --from=build /usr/src/app/.venv /usr/src/app/.venv
RUN useradd -U -M -d /nonexistent app
USER app
WORKDIR /usr/src/app
COPY hello_world ./hello_world
ENTRYPOINT ["python", "hello_world/main.py"]
