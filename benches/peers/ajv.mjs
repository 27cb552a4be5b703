// The peer of `ci/bench validate`: js-yaml and ajv over the documents of a catalog, schemas alone.
// `node ajv.mjs SCHEMAS CATALOG`; each schema is compiled once. Ends with 1 where something is wrong.
import { readFileSync, readdirSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";

const require = createRequire(join(process.env.PEERS, "package.json"));
const Ajv = require("ajv/dist/2020").default;
const addFormats = require("ajv-formats");
const yaml = require("js-yaml");

const [schemas, catalog] = process.argv.slice(2);
const ajv = new Ajv({ strict: false, allErrors: true });
(addFormats.default ?? addFormats)(ajv);
// Trueline's own formats: known, not checked.
for (const name of ["semver", "semver-requirement", "cron"]) ajv.addFormat(name, true);
const read = (name) => JSON.parse(readFileSync(join(schemas, name), "utf8"));
ajv.addSchema(read("common.json"), "common.json");

const compiled = new Map();
const check = (schema) => {
  if (!compiled.has(schema)) compiled.set(schema, ajv.compile({ $id: schema, ...read(schema) }));
  return compiled.get(schema);
};
const folders = {
  bundles: "catalog-bundle.json",
  catalog: "catalog-item.json",
  environments: "environment.json",
  services: "service.json",
};

let documents = 0;
let wrong = 0;
const judge = (file, schema) => {
  const validate = check(schema);
  documents += 1;
  if (validate(yaml.load(readFileSync(file, "utf8"), { schema: yaml.CORE_SCHEMA }))) return;
  wrong += 1;
  console.log(file, ajv.errorsText(validate.errors));
};
const walk = (folder, schema) => {
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    const file = join(folder, entry.name);
    if (entry.isDirectory()) walk(file, schema);
    else if (entry.name.endsWith(".yaml")) judge(file, schema);
  }
};
judge(join(catalog, "trueline.yaml"), "catalog.json");
for (const [folder, schema] of Object.entries(folders)) walk(join(catalog, folder), schema);
console.log(`${documents} documents, ${wrong} wrong`);
process.exitCode = wrong > 0 ? 1 : 0;
