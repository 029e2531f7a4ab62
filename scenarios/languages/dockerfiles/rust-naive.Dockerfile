# All at once: any change of any file compiles every crate again, and the compiler stays in the image.
FROM rust:1-slim-trixie
WORKDIR /usr/src/app
COPY rust/ ./
RUN cargo build --release --locked
ENTRYPOINT ["target/release/hello-world"]
