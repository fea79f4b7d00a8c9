FROM node:20.20.2-bookworm-slim AS build
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
# No dependency needs an install script, and our own `prepare` needs the sources, which come next.
RUN npm ci --ignore-scripts
COPY tsconfig.json tsconfig.build.json ./
COPY scripts/build.mjs scripts/
COPY src src/
# Temporal's core carries its builds for every platform (137 MB); only this one's goes on.
RUN npm run build \
  && npm prune --omit=dev --ignore-scripts \
  && find node_modules/@temporalio/core-bridge/releases -mindepth 1 -maxdepth 1 \
    ! -name "$(uname -m)-unknown-linux-gnu" -exec rm -r {} +

# Not Alpine: Temporal's core needs glibc.
FROM node:20.20.2-bookworm-slim
LABEL org.opencontainers.image.title="infer-once" \
  org.opencontainers.image.description="AI jobs on Temporal where one logical job costs one inference" \
  org.opencontainers.image.licenses="MIT"
# Temporal's core trusts the system's certificates; unpinned, since the newest ones are the right ones.
# hadolint ignore=DL3008
RUN apt-get update \
  && apt-get install --yes --no-install-recommends ca-certificates \
  && rm -rf /var/lib/apt/lists/* \
  && install --directory --owner=node --group=node /data
WORKDIR /app
COPY --from=build /app/package.json ./
COPY --from=build /app/node_modules node_modules/
COPY --from=build /app/dist dist/
ENV NODE_ENV=production
# The image's user `node`, by number, so that an orchestrator can see that it is not root.
USER 1000:1000
# The worker handles the signal itself and starts no children, so the image needs no init of its own.
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=30s --timeout=10s --start-period=30s --retries=3 \
  CMD ["node", "dist/cli/main.js", "doctor", "--quiet"]
ENTRYPOINT ["node", "dist/cli/main.js"]
CMD ["worker"]
