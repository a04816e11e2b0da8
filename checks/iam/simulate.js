// A second evaluator: reads cases as one JSON list, writes its answer to each.
const fs = require("fs");
const { runSimulation } = require("@cloud-copilot/iam-simulate");

async function main() {
  const answers = [];
  for (const simulation of JSON.parse(fs.readFileSync(0, "utf8"))) {
    const found = await runSimulation(simulation, {});
    answers.push(
      found.resultType === "error"
        ? { error: JSON.stringify(found.errors) }
        : { result: found.overallResult, ignored: found.result ? found.result.ignoredContextKeys : [] },
    );
  }
  process.stdout.write(JSON.stringify(answers));
}

main();
