# syntax=docker/dockerfile:1

# One image for all processes; the command says which: backdrop-read, backdrop-write, backdrop-worker, or
# backdrop (migrate, data-set, token, import, health).

FROM rust:1.95-slim-bookworm AS build
# A C compiler for the cryptography behind TLS.
RUN apt-get update && apt-get install --yes --no-install-recommends build-essential && rm -rf /var/lib/apt/lists/*
WORKDIR /source
COPY . .
# The caches stay out of the image; what is kept is copied out of them.
RUN --mount=type=cache,target=/usr/local/cargo/registry \
    --mount=type=cache,target=/source/target \
    cargo build --release --locked \
        --package backdrop-cli --package backdrop-read --package backdrop-write --package backdrop-worker --bins \
    && mkdir /programs \
    && cp target/release/backdrop target/release/backdrop-read target/release/backdrop-write \
        target/release/backdrop-worker /programs/

# No shell, no package manager, not root: glibc, certificates and the four programs.
FROM gcr.io/distroless/cc-debian12:nonroot
COPY --from=build /programs/ /usr/local/bin/
# In a container 127.0.0.1 is reached by nobody else. What was as large as a body is given back when it is freed: left
# to itself, glibc keeps ever larger pieces, once per thread.
ENV GLIBC_TUNABLES=glibc.malloc.mmap_threshold=1048576 \
    BACKDROP_READ_LISTEN=0.0.0.0:3038 \
    BACKDROP_WRITE_LISTEN=0.0.0.0:3039 \
    BACKDROP_WORKER_LISTEN=0.0.0.0:3040 \
    BACKDROP_LOG_FORMAT=json
EXPOSE 3038 3039 3040
CMD ["backdrop", "help"]
