# The same with uv, which is one file and brings no packages of its own. It takes the image's Python, and copies
# from its cache, which as a mount is on another file system than the environment.
FROM python:3.12-slim-bookworm AS build
RUN pip install uv==0.13.9
WORKDIR /usr/src/app
ENV UV_CACHE_DIR=/tmp/uv_cache \
    UV_LINK_MODE=copy \
    UV_PYTHON_DOWNLOADS=never
COPY pyproject.toml uv.lock ./
RUN --mount=type=cache,target=$UV_CACHE_DIR uv sync --locked --no-dev --no-install-project

FROM python:3.12-slim-bookworm AS runtime
ENV PATH="/usr/src/app/.venv/bin:${PATH}"
COPY --from=build /usr/src/app/.venv /usr/src/app/.venv
RUN useradd -U -M -d /nonexistent app
USER app
WORKDIR /usr/src/app
COPY hello_world ./hello_world
ENTRYPOINT ["python", "hello_world/main.py"]
