// AWS's language service for state machines, which is written for editors: one line for each thing it underlines.
const fs = require("fs");
const { getLanguageService } = require("amazon-states-language-service");
const { TextDocument } = require("vscode-languageserver-textdocument");

async function main(paths) {
  const service = getLanguageService({});
  for (const path of paths) {
    const text = TextDocument.create(`asl:${path}`, "asl", 1, fs.readFileSync(path, "utf8"));
    for (const found of await service.doValidation(text, service.parseJSONDocument(text))) {
      console.log(`${path}:${found.range.start.line + 1}: ${found.message}`);
    }
  }
}

main(process.argv.slice(2));
