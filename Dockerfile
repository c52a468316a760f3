# WhyRank on a CPU: the app with its worker (`app`, what it runs unless told otherwise), the rerank service (`api`), any
# other command. Everything that changes lies in the volume /data. docs/team.md.

FROM python:3.11-slim-bookworm AS build
SHELL ["/bin/bash", "-euo", "pipefail", "-c"]
# Without it pip would take the build of torch that brings several GB of CUDA; the pinned version stays the same.
ARG PIP_EXTRA_INDEX_URL=https://download.pytorch.org/whl/cpu
ENV PIP_EXTRA_INDEX_URL=${PIP_EXTRA_INDEX_URL} PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1
# hadolint ignore=DL3008
RUN apt-get update && apt-get install -y --no-install-recommends make && rm -rf /var/lib/apt/lists/*
WORKDIR /app
# The same targets as on any machine, so that the image has what the tests ran with. The slow one first: it only runs
# again when what is pinned changes.
COPY Makefile requirements.lock ./
RUN make dependencies
COPY . .
RUN make install

FROM python:3.11-slim-bookworm
RUN useradd --uid 10001 --create-home whyrank && install -d -o whyrank -g whyrank /data
COPY --from=build /app /app
ENV PATH=/app/.venv/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 \
    WHYRANK_HOME=/data WHYRANK_ADDRESS=0.0.0.0 WHYRANK_API_ADDRESS=0.0.0.0
WORKDIR /app
USER 10001
VOLUME /data
EXPOSE 8501 8502
HEALTHCHECK --interval=30s --timeout=5s --start-period=60s \
    CMD ["python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:8501/_stcore/health', timeout=4)"]
ENTRYPOINT ["whyrank"]
CMD ["app"]
