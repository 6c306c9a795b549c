// A simulator in Node.js that mcts_service plans over: it serves ModelService.
//
//   npm install
//   node simulator.js [HOST:PORT | unix:/PATH]        default 127.0.0.1:50061
//
// Then `mcts-service serve --config server.toml`, with remote = "127.0.0.1:50061" in that file.
import { fileURLToPath } from "node:url";
import grpc from "@grpc/grpc-js";
import protoLoader from "@grpc/proto-loader";
import { NUM_ACTIONS, NUM_CELLS, START, isCell, isTerminal, legalActions, step } from "./lake.js";

const PROTO = fileURLToPath(new URL("../../proto", import.meta.url));
const definition = protoLoader.loadSync("mcts_service/v1/model.proto", {
  includeDirs: [PROTO],
  longs: String, // seeds have 64 bits, which a number cannot hold
  enums: String,
  defaults: true,
});
const { ModelService } = grpc.loadPackageDefinition(definition).mcts_service.v1;

const DESCRIPTION = {
  protocolVersion: 1,
  modelVersion: "1",
  description: "A frozen lake in Node.js.",
  stateSpec: {
    kind: "VALUE_KIND_DISCRETE",
    numValues: NUM_CELLS,
    example: { discrete: START },
    description: "the cell, from the upper left",
  },
  numActions: NUM_ACTIONS,
  actionDescription: "up, right, down, left",
  discount: 0.97,
  hasLegal: true,
  hasTerminal: true,
  validatesStates: true,
};

/** Numbers in [0, 1) that a seed determines: the same row always gets the same answer. */
function randomOf(seed) {
  let state = BigInt(seed);
  return () => {
    // SplitMix64, by Steele, Lea and Flood (2014).
    state = BigInt.asUintN(64, state + 0x9e3779b97f4a7c15n);
    let z = state;
    z = BigInt.asUintN(64, (z ^ (z >> 30n)) * 0xbf58476d1ce4e5b9n);
    z = BigInt.asUintN(64, (z ^ (z >> 27n)) * 0x94d049bb133111ebn);
    return Number((z ^ (z >> 31n)) >> 11n) / 2 ** 53;
  };
}

function cellsOf(states) {
  return states.discrete.values.map(Number);
}

function describe(call, reply) {
  reply(null, DESCRIPTION);
}

function sampleBatch({ request }, reply) {
  const steps = cellsOf(request.states).map((cell, row) =>
    step(cell, request.actions[row], randomOf(request.seeds[row])),
  );
  reply(null, {
    nextStates: { discrete: { values: steps.map(({ nextCell }) => nextCell) } },
    rewards: steps.map(({ reward }) => reward),
    terminated: steps.map(({ terminated }) => terminated),
    // All that the planner may want to know of the next states, so that it need not ask.
    facts: { legal: steps.flatMap(({ nextCell }) => legalActions(nextCell)) },
  });
}

function inspectBatch({ request }, reply) {
  const cells = cellsOf(request.states);
  const errors = cells.flatMap((cell, row) =>
    isCell(cell)
      ? []
      : [{ row, status: { code: grpc.status.INVALID_ARGUMENT, message: `${cell} is no cell` } }],
  );
  reply(null, {
    facts: { legal: cells.flatMap(legalActions), terminal: cells.map(isTerminal) },
    errors,
  });
}

const address = process.argv[2] ?? "127.0.0.1:50061";
const server = new grpc.Server();
// EvaluateBatch is left out: the description announces neither values nor priors.
server.addService(ModelService.service, {
  Describe: describe,
  SampleBatch: sampleBatch,
  InspectBatch: inspectBatch,
});
server.bindAsync(address, grpc.ServerCredentials.createInsecure(), (error, port) => {
  if (error) {
    console.error(`simulator.js: ${error.message}`);
    process.exitCode = 1;
    return;
  }
  const where = address.startsWith("unix:") ? address : address.replace(/\d+$/, String(port));
  console.log(`simulating on ${where}`);
});
