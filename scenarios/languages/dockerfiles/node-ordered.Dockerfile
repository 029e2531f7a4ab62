# Packages first, exactly those of the lock and none for development; downloads stay in a cache mount.
FROM node:20-trixie-slim
WORKDIR /usr/src/app
ENV NODE_ENV=production
COPY node/package.json node/package-lock.json ./
RUN --mount=type=cache,target=/root/.npm npm ci --omit=dev
RUN useradd -U -M -d /nonexistent app
USER app
COPY node/src ./src
ENTRYPOINT ["node", "src/main.js"]
