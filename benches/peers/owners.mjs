// The peer of `ci/bench owners`: the npm package `codeowners`.
// `node owners.mjs FOLDER PATHS`: the folder holds CODEOWNERS, PATHS a path a line. Prints the times in ms and the owners of each path as JSON.
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";

const require = createRequire(join(process.env.PEERS, "package.json"));
const Codeowners = require("codeowners");

const [folder, list] = process.argv.slice(2);
const paths = readFileSync(list, "utf8").trimEnd().split("\n");
const started = performance.now();
const owners = new Codeowners(folder);
const read = performance.now();
const answers = paths.map((path) => owners.getOwner(path));
const asked = performance.now();
console.log(JSON.stringify({ read: read - started, ask: asked - read, answers }));
