# vswarden alone: a static program, the certificates of public authorities, and a folder for its data.
FROM golang:1.26.8-bookworm AS build
WORKDIR /src
COPY go.mod go.sum ./
RUN go mod download
COPY . .
RUN CGO_ENABLED=0 go build -trimpath -o /vswarden ./cmd/vswarden && mkdir -m 0750 /data

FROM scratch
COPY --from=build /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/
COPY --from=build /vswarden /usr/bin/vswarden
COPY --from=build --chown=65532:65532 /data /var/lib/vswarden
USER 65532:65532
VOLUME /var/lib/vswarden
EXPOSE 5514/udp 5514/tcp 9514/tcp
ENTRYPOINT ["/usr/bin/vswarden"]
CMD ["run", "--data", "/var/lib/vswarden", "--listen", "udp://:5514", "--listen", "tcp://:5514", "--admin", ":9514"]
