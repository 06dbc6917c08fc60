# fststyle serve in a container: pictures and videos. Trainings need PyTorch, which would make it several times as large.
#
#   docker build -t fststyle .
#   docker run -p 127.0.0.1:8000:8000 -e FSTSTYLE_TOKEN=$(openssl rand -hex 16) -v fststyle:/data fststyle
#
# OpenCV, 150 MB, carries paint along with what moves in videos; without it they flicker more:
#   docker build --build-arg MORE=opencv-python-headless -t fststyle .
FROM python:3.13-slim AS build
ARG MORE=""
WORKDIR /source
COPY pyproject.toml README.md LICENSE ./
COPY fststyle fststyle
COPY models models
# onnxruntime's own library is in its Python module a second time.
# hadolint ignore=DL3013
RUN pip install --no-cache-dir --no-compile --prefix /installed '.[serve]' 'av>=18.1,<19' ${MORE} \
    && rm -f /installed/lib/python3.*/site-packages/onnxruntime/capi/libonnxruntime.so* \
    && find /installed -depth -type d '(' -name tests -o -name test ')' -exec rm -r '{}' ';'

FROM python:3.13-slim
RUN useradd --create-home --uid 10001 painter && install -d -o 10001 /data
COPY --from=build /installed /usr/local
USER 10001
WORKDIR /data
ENV PYTHONUNBUFFERED=1 FSTSTYLE_CACHE=/data/cache
VOLUME /data
EXPOSE 8000
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=30s --timeout=5s --start-period=20s \
    CMD ["python", "-c", "import socket; socket.create_connection(('127.0.0.1', 8000), 3).close()"]
# Others than the container itself reach it, hence a token: yours, or one that is printed.
ENTRYPOINT ["fststyle", "serve", "--host", "0.0.0.0", "--port", "8000", "-o", "/data/served"]
