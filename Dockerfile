FROM python:3.13-slim AS build
WORKDIR /src
COPY pyproject.toml README.md ./
COPY drsim drsim
# Compiled bytecode stays in the image: without it every start would compile anew.
RUN python -m venv /opt/drsim && /opt/drsim/bin/pip install --no-cache-dir --compile .

FROM python:3.13-slim
RUN useradd --system --create-home --home-dir /var/lib/drsim drsim
COPY --from=build /opt/drsim /opt/drsim
ENV PATH=/opt/drsim/bin:$PATH PYTHONUNBUFFERED=1 DRSIM_HOST=0.0.0.0 DRSIM_PORT=3774
USER drsim
WORKDIR /var/lib/drsim
EXPOSE 3774
HEALTHCHECK --interval=5s --timeout=3s --start-period=5s --retries=3 CMD ["drsim", "wait", "--timeout", "2s"]
ENTRYPOINT ["drsim"]
CMD ["serve"]
