// Calls Plan at a constant arrival rate, for k6: `compare_with_k6.py` runs it beside our own load
// test. By hand, from the top of a checkout and with a server on port 50051:
//
//   k6 run -e TARGET=localhost:50051 -e PROTO=$PWD/proto benchmarks/service/plan.js
//
// TARGET, PROTO: the server, and the folder of the .proto files
// MODEL, STATE, BUDGET: what each call asks for, the last two as JSON
// RATE, WARMUP, DURATION, CALLERS: calls a second, seconds, and most calls in flight
// SUMMARY: a file for the figures
import { check } from 'k6';
import grpc from 'k6/net/grpc';

const setting = (name, otherwise) => __ENV[name] || otherwise;
const rate = Number(setting('RATE', 50));
const warmup = Number(setting('WARMUP', 2));
const duration = Number(setting('DURATION', 10));

const arrivals = {
  executor: 'constant-arrival-rate',
  rate,
  timeUnit: '1s',
  preAllocatedVUs: Number(setting('CALLERS', 100)),
  gracefulStop: '30s',
};

export const options = {
  scenarios: {
    warmup: { ...arrivals, duration: `${warmup}s` },
    measured: { ...arrivals, startTime: `${warmup}s`, duration: `${duration}s` },
  },
  // k6 keeps figures of one scenario only where a threshold asks for them.
  thresholds: {
    'grpc_req_duration{scenario:measured}': ['max>=0'],
    'iterations{scenario:measured}': ['count>=0'],
    'dropped_iterations{scenario:measured}': ['count>=0'],
    'checks{scenario:measured}': ['rate>=0'],
  },
  summaryTrendStats: ['med', 'p(90)', 'p(95)', 'p(99)', 'max', 'count'],
};

const client = new grpc.Client();
client.load([setting('PROTO', 'proto')], 'mcts_service/v1/planner.proto');

const request = {
  model: setting('MODEL', 'connect_four'),
  state: { json: JSON.parse(setting('STATE', '""')) },
  budget: JSON.parse(setting('BUDGET', '{"simulations": 1000}')),
  options: { early_stop: false },
};
let isConnected = false;

export default function () {
  if (!isConnected) {
    client.connect(setting('TARGET', 'localhost:50051'), { plaintext: true });
    isConnected = true;
  }
  const response = client.invoke('mcts_service.v1.PlannerService/Plan', request, {
    timeout: '30s',
  });
  check(response, { OK: (one) => one.status === grpc.StatusOK });
}

export function handleSummary(data) {
  return { [setting('SUMMARY', 'stdout')]: JSON.stringify(data.metrics, null, 2) };
}
