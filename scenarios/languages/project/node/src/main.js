// Prints a greeting; the server that gives it to others is not started.
const chalk = require("chalk");
const express = require("express");

const server = express();
server.get("/", (_, answer) => answer.send("Hello, World!"));
console.log(new chalk.Instance({ level: 0 }).green("Hello, World!"));
