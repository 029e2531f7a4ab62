# Dependencies first: an empty program compiles them in a layer of their own. What was downloaded stays in a cache mount,
# and the image gets the program alone. The sources are older than what the empty program left, hence `touch`.
FROM rust:1-slim-trixie AS build
WORKDIR /usr/src/app
COPY rust/Cargo.toml rust/Cargo.lock ./
RUN --mount=type=cache,target=/usr/local/cargo/registry \
    mkdir src && echo 'fn main() {}' > src/main.rs && cargo build --release --locked
COPY rust/src ./src
RUN --mount=type=cache,target=/usr/local/cargo/registry \
    touch src/main.rs && cargo build --release --locked

FROM debian:trixie-slim AS runtime
COPY --from=build /usr/src/app/target/release/hello-world /usr/local/bin/hello-world
RUN useradd -U -M -d /nonexistent app
USER app
ENTRYPOINT ["hello-world"]
