# SPDX-License-Identifier: Apache-2.0
#
#   docker compose up                  a whole cluster (compose.yaml)
#   docker build -t stipple .          the image alone: every program, the page
#
# On Debian 12 unless told otherwise: --build-arg BASE=debian:trixie-slim.
#
# For a build that gives the same bytes name the base by digest and the archive
# by day: --build-arg BASE=debian:bookworm-slim@sha256:…, --build-arg
# SNAPSHOT=URL and --build-arg DAY=20260101T000000Z; URL/debian/DAY is Debian's
# archive as it was on that day.
ARG BASE=debian:bookworm-slim

FROM ${BASE} AS base
ARG SNAPSHOT=
ARG DAY=
RUN if [ -n "$SNAPSHOT" ]; then \
        . /etc/os-release; suite=$VERSION_CODENAME; \
        rm -f /etc/apt/sources.list.d/*; \
        for s in debian:$suite debian:$suite-updates debian-security:$suite-security; do \
            echo "deb [check-valid-until=no] $SNAPSHOT/${s%%:*}/$DAY ${s#*:} main"; \
        done > /etc/apt/sources.list; \
    fi

FROM base AS build
RUN apt-get -qq update && DEBIAN_FRONTEND=noninteractive apt-get -qq install -y \
        --no-install-recommends gcc libc6-dev make pkg-config libczmq-dev \
        libzmq3-dev libuv1-dev liburing-dev \
        libhiredis-dev libcurl4-openssl-dev libsqlite3-dev libjansson-dev \
        libssl-dev zlib1g-dev libdeflate-dev libspng-dev libzstd-dev \
        libmicrohttpd-dev liblzma-dev uthash-dev libxxhash-dev python3-minimal dpkg-dev \
    && rm -rf /var/lib/apt/lists/*
WORKDIR /src
COPY . .
# One path in debug information, one date in files.
ENV SOURCE_DATE_EPOCH=1700000000
RUN make -s -j"$(nproc)" all \
    && strip build/stipple-broker build/stipple-edge build/stipple-persister \
        build/stipple-load build/stipplectl \
    && packaging/stage build /stage \
    # What a host needs that runs the image's processes as its services.
    && mkdir -p /stage/usr/share/stipple/host/lib/systemd /stage/usr/share/stipple/host/usr/lib \
    && cp -r /stage/lib/systemd/system /stage/usr/share/stipple/host/lib/systemd/ \
    && cp -r /stage/usr/lib/stipple /stage/usr/lib/sysctl.d /stage/usr/share/stipple/host/usr/lib/ \
    && rm -rf /stage/lib /stage/etc /stage/usr/lib \
    # The libraries' packages, whose names differ between releases of Debian.
    && mkdir debian && echo "Source: stipple" > debian/control \
    && dpkg-shlibdeps -O /stage/usr/bin/* 2>/dev/null \
        | sed 's/^shlibs:Depends=//; s/([^)]*)//g; s/,//g' > /stage/usr/share/stipple/packages \
    && [ -s /stage/usr/share/stipple/packages ] \
    && find /stage -print0 | xargs -0 touch --date="@$SOURCE_DATE_EPOCH"

FROM base
ARG VERSION=0.2.0
LABEL org.opencontainers.image.title="stipple" \
      org.opencontainers.image.description="A live shared canvas in the manner of r/place" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="${VERSION}"
COPY --from=build /stage/usr/share/stipple/packages /usr/share/stipple/packages
# What the installation writes gets one date as well.
RUN export SOURCE_DATE_EPOCH=1700000000 && touch /tmp/began \
    && apt-get -qq update && DEBIAN_FRONTEND=noninteractive apt-get -qq install -y \
        --no-install-recommends $(cat /usr/share/stipple/packages) \
        ca-certificates curl tini \
    && rm -rf /var/lib/apt/lists/* /var/cache/apt/*.bin /var/cache/ldconfig/aux-cache \
    && find /var/log -type f -exec truncate -s 0 {} + \
    && groupadd -g 10001 stipple \
    && useradd -u 10001 -g stipple -d /var/lib/stipple -s /usr/sbin/nologin stipple \
    && install -d -o stipple -g stipple /var/lib/stipple \
    && find / -xdev \( -path /proc -o -path /sys -o -path /dev \) -prune -o \
        -newer /tmp/began -exec touch -h --date="@$SOURCE_DATE_EPOCH" {} + \
    && touch --date="@$SOURCE_DATE_EPOCH" /usr/share /usr/share/stipple \
    && rm /tmp/began && touch --date="@$SOURCE_DATE_EPOCH" /tmp
COPY --from=build /stage/ /
USER stipple
WORKDIR /var/lib/stipple
ENV STIPPLE_METRICS_HOST=0.0.0.0 STIPPLE_METRICS_PORT=9100
EXPOSE 8080 9100
# Every process answers on its metrics port; an edge is healthy where it is
# alive: whether it is ready is the proxy's question.
HEALTHCHECK --interval=5s --timeout=3s --start-period=20s --retries=3 \
    CMD ["curl", "-fsS", "-o", "/dev/null", "http://127.0.0.1:9100/healthz"]
ENTRYPOINT ["/usr/bin/tini", "--"]
CMD ["stipple-edge", "--help"]
