// A frozen lake of 5 by 5 cells, numbered from the upper left: walk from 0 to 24, and into no hole.
// One step in five slips to a side. The edge of the lake cannot be left.
const SIZE = 5;
const HOLES = new Set([6, 8, 16, 18]);
const GOAL = 24;
const MOVES = [
  [-1, 0], // up
  [0, 1], // right
  [1, 0], // down
  [0, -1], // left
];

export const NUM_CELLS = SIZE * SIZE;
export const NUM_ACTIONS = MOVES.length;
export const START = 0;

export function isCell(cell) {
  return Number.isInteger(cell) && cell >= 0 && cell < NUM_CELLS;
}

export function isTerminal(cell) {
  return cell === GOAL || HOLES.has(cell);
}

/** For each action, whether it stays on the lake. */
export function legalActions(cell) {
  return MOVES.map((_, action) => moved(cell, action) !== cell);
}

/** One step; `random` gives numbers in [0, 1), and is the only source of chance. */
export function step(cell, action, random) {
  const draw = random();
  const turn = draw < 0.1 ? -1 : draw < 0.2 ? 1 : 0;
  const nextCell = moved(cell, (action + turn + NUM_ACTIONS) % NUM_ACTIONS);
  return { nextCell, reward: nextCell === GOAL ? 1 : 0, terminated: isTerminal(nextCell) };
}

function moved(cell, action) {
  const row = Math.floor(cell / SIZE) + MOVES[action][0];
  const column = (cell % SIZE) + MOVES[action][1];
  const isOnLake = row >= 0 && row < SIZE && column >= 0 && column < SIZE;
  return isOnLake ? row * SIZE + column : cell;
}
