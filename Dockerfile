# syntax=docker/dockerfile:1

# The demo server: built in one image, run in a small one.
#     docker build -t fastness-demo . && docker run --rm -p 127.0.0.1:3000:3000 fastness-demo
#
# A tag names another image tomorrow. For builds that can be repeated, name the images by digest:
#     docker buildx imagetools inspect rust:1-slim-bookworm --format '{{.Manifest.Digest}}'
#     docker build --build-arg RUST_IMAGE=rust@sha256:.. --build-arg DEBIAN_IMAGE=debian@sha256:.. .
ARG RUST_IMAGE=rust:1-slim-bookworm
ARG DEBIAN_IMAGE=debian:bookworm-slim

FROM ${RUST_IMAGE} AS build
WORKDIR /src
COPY . .
# The registry and what was compiled stay from build to build, so that only what changed is compiled again.
RUN --mount=type=cache,target=/usr/local/cargo/registry \
    --mount=type=cache,target=/src/target \
    cargo build --release --locked --package demo-app --package demo-tools --all-features \
    && cp target/release/demo-app target/release/demo-tools /usr/local/bin/

FROM ${DEBIAN_IMAGE}
RUN apt-get update \
    && apt-get install --yes --no-install-recommends ca-certificates curl \
    && rm -rf /var/lib/apt/lists/* \
    && useradd --system --uid 10001 --no-create-home demo
COPY --from=build /usr/local/bin/demo-app /usr/local/bin/demo-tools /usr/local/bin/
USER demo
# In a container, others are to reach it: the public listener, which has no control endpoints. These stand on the private one, which
# the container alone can reach. To reach it from elsewhere, set ADMIN_ADDR=0.0.0.0:3001 and an ADMIN_TOKEN.
ENV APP_ENV=production HOST=0.0.0.0 PORT=3000 ADMIN_ADDR=127.0.0.1:3001
EXPOSE 3000
HEALTHCHECK --interval=10s --timeout=2s --start-period=5s \
    CMD curl --fail --silent --output /dev/null "http://${ADMIN_ADDR:-127.0.0.1:${PORT}}/health/live" || exit 1
# SIGTERM: not ready for 5 s, then 10 s for open requests. Give it that time: docker stop --time 20.
STOPSIGNAL SIGTERM
ENTRYPOINT ["demo-app"]
