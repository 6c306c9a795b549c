// Plans with mcts_service from Node.js, from nothing but its .proto file.
//
//   npm install
//   node plan.js [HOST:PORT]        default localhost:50051
import { fileURLToPath } from "node:url";
import grpc from "@grpc/grpc-js";
import protoLoader from "@grpc/proto-loader";

const PROTO = fileURLToPath(new URL("../../proto", import.meta.url));
const definition = protoLoader.loadSync("mcts_service/v1/planner.proto", {
  includeDirs: [PROTO],
  longs: Number, // visits and simulations are far below 2^53
  enums: String,
  defaults: true,
  oneofs: true, // `action.kind` names the field that holds the action
});
const { PlannerService } = grpc.loadPackageDefinition(definition).mcts_service.v1;

/** Asks for one plan; rejects with the service's error, `code` and `details` in it. */
function plan(client, request, timeoutSeconds = 10) {
  const deadline = new Date(Date.now() + timeoutSeconds * 1000);
  return new Promise((resolve, reject) => {
    client.plan(request, { deadline }, (error, response) =>
      error ? reject(error) : resolve(response),
    );
  });
}

function show(response) {
  const { model, action, value, simulations } = response;
  console.log(
    `${model.name}: action ${action[action.kind]}, ` +
      `value ${value.toFixed(3)}, ${simulations} simulations`,
  );
}

async function main() {
  const target = process.argv[2] ?? "localhost:50051";
  const client = new PlannerService(target, grpc.credentials.createInsecure());
  try {
    // FrozenLake counts its cells from the upper left: 0 is the start.
    const lake = { model: "frozen_lake_4x4", state: { discrete: 0 } };
    show(await plan(client, { ...lake, budget: { simulations: 1000 }, seed: 1 }));

    // Connect four, after two stones each in the columns 4 and 5, counted from 1.
    const four = { model: "connect_four", state: { json: { stringValue: "4455" } } };
    show(await plan(client, { ...four, budget: { simulations: 10000 }, seed: 1 }));
  } finally {
    client.close();
  }
}

main().catch((error) => {
  console.error(`plan.js: ${error.message}`);
  process.exitCode = 1;
});
