# The same with PDM, which is not to look for a newer one of itself. It takes any hishel from 1 on, and 2 breaks it.
FROM python:3.12-slim-bookworm AS build
RUN pip install pdm==2.29.4 "hishel<2"
WORKDIR /usr/src/app
ENV PDM_CHECK_UPDATE=false \
    PDM_CACHE_DIR=/tmp/pdm_cache
COPY pyproject.toml pdm.lock ./
RUN --mount=type=cache,target=$PDM_CACHE_DIR pdm sync --prod --no-self

FROM python:3.12-slim-bookworm AS runtime
ENV PATH="/usr/src/app/.venv/bin:${PATH}"
COPY --from=build /usr/src/app/.venv /usr/src/app/.venv
RUN useradd -U -M -d /nonexistent app
USER app
WORKDIR /usr/src/app
COPY hello_world ./hello_world
ENTRYPOINT ["python", "hello_world/main.py"]
