// Calls a server in all ways that there are, and prints as JSON how many calls of each kind ended
// with which status.
//
//   node client.js HOST:PORT FOLDER_OF_PROTO CALLS
import grpc from "@grpc/grpc-js";
import protoLoader from "@grpc/proto-loader";

const [target, folder, calls] = process.argv.slice(2);
const definition = protoLoader.loadSync("mcts_service/v1/planner.proto", {
  includeDirs: [folder],
  keepCase: true,
  longs: Number,
  enums: String,
  oneofs: true,
});
const { PlannerService } = grpc.loadPackageDefinition(definition).mcts_service.v1;
const client = new PlannerService(target, grpc.credentials.createInsecure());
const IN_FLIGHT = 8;

const short = { model: "taxi", state: { discrete: 328 }, budget: { simulations: 50 } };
const long = {
  ...short,
  budget: { simulations: 1000000 },
  options: { early_stop: false, prove: false },
};

const nameOf = (code) =>
  Object.keys(grpc.status).find((name) => grpc.status[name] === code);
const within = (seconds) => ({ deadline: new Date(Date.now() + 1000 * seconds) });

/** The name of the status that a call of Plan ends with; `then` is given the call. */
function plan(request, seconds, then = () => {}) {
  return new Promise((resolve) => {
    const call = client.plan(request, within(seconds), (error, response) =>
      resolve(error ? nameOf(error.code) : response.simulations > 0 ? "OK" : "EMPTY"),
    );
    then(call);
  });
}

/** A watched plan: improving ones, then one that is final. */
function watch() {
  return new Promise((resolve) => {
    const finals = [];
    const call = client.watchPlan({ plan: short }, within(60));
    call.on("data", (response) => finals.push(response.final));
    call.on("error", (error) => resolve(nameOf(error.code)));
    call.on("end", () =>
      resolve(finals.pop() === true && !finals.includes(true) ? "OK" : "NOT_FINAL"),
    );
  });
}

/** Four plans on one stream, of which each is answered under its name. */
function many() {
  return new Promise((resolve) => {
    const names = ["a", "b", "c", "d"];
    const answered = new Set();
    const call = client.planMany(within(60));
    call.on("data", (response) => {
      if (response.outcome === "plan") answered.add(response.request_id);
    });
    call.on("error", (error) => resolve(nameOf(error.code)));
    call.on("end", () => resolve(answered.size === names.length ? "OK" : "INCOMPLETE"));
    for (const name of names) call.write({ request_id: name, plan: short });
    call.end();
  });
}

const kinds = {
  plan: () => plan(short, 60),
  watch,
  many,
  cancelled: () => plan(long, 60, (call) => setTimeout(() => call.cancel(), 5)),
  hurried: () => plan(long, 0.05),
  wrong: () => plan({ ...short, state: { discrete: -1 } }, 60),
  unknown: () => plan({ ...short, model: "nowhere" }, 60),
};

const found = Object.fromEntries(Object.keys(kinds).map((kind) => [kind, {}]));
let next = 0;

async function work() {
  while (next < Number(calls)) {
    const kind = Object.keys(kinds)[next++ % Object.keys(kinds).length];
    const status = await kinds[kind]();
    found[kind][status] = (found[kind][status] ?? 0) + 1;
  }
}

await Promise.all(Array.from({ length: IN_FLIGHT }, work));
client.close();
console.log(JSON.stringify(found));
