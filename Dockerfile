# docker build -t clip-parity .
# docker run --rm -v "$PWD:/work" --user "$(id -u)" clip-parity check experiments/my-port.yaml
#
# Two stages: what builds stays behind. tests/package/packages.py holds the second stage's list against the linked libraries.
FROM debian:12 AS build
RUN apt-get update && apt-get install -y --no-install-recommends make && rm -rf /var/lib/apt/lists/*
WORKDIR /source
COPY Makefile .
RUN make setup-build && rm -rf /var/lib/apt/lists/*
COPY . .
RUN make install PREFIX=/usr/local && find /usr/local -name libclip-parity.a -delete

FROM debian:12-slim
RUN apt-get update && apt-get install -y --no-install-recommends \
    libfyaml0 libgsl27 libhdf5-103-1 libhdf5-hl-100 libjansson4 libjpeg62-turbo libseccomp2 libspng0 libssl3 libwebp7 libwebpdemux2 zlib1g \
    && rm -rf /var/lib/apt/lists/*
COPY --from=build /usr/local /usr/local
RUN ldconfig && useradd --create-home clip-parity
USER clip-parity
WORKDIR /work
ENTRYPOINT ["clip-parity"]
CMD ["--help"]
