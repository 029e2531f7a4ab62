# All at once: any change of any file installs every package again, those for development too.
FROM node:20-trixie-slim
WORKDIR /usr/src/app
COPY node/ ./
RUN npm install
ENTRYPOINT ["node", "src/main.js"]
