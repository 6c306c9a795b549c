/* Many simulations at once, of one search or of many: their questions to the model are gathered
 * and asked together.
 *
 *   searches      cursors, at a question each       the model
 *   +--------+    +---+---+---+
 *   |   A    |--> | s | s | v |---+   steps  [s s s s] --> step_batch
 *   +--------+    +---+---+---+   +->
 *   |   B    |--> | s | v | s |---+   values [v v]     --> evaluate_batch
 *   +--------+    +---+---+---+
 *
 * In a round every cursor gets one answer. A search starts simulation i when fewer than its
 * `in_flight` are in progress, and backs them up in their order, so that what it does depends on
 * its own seed alone and on no other search, and with one in flight it is the search that
 * search_run runs. A model without batch functions is asked row by row. */
#ifndef MCTS_CORE_BATCH_H
#define MCTS_CORE_BATCH_H

#include "search.h"

/* How one search ended. */
typedef struct {
  int status; /* MCTS_OK, or FAILED: see the search's fault */
  stop_reason reason;
} batch_end;

typedef struct batch batch;

/* Whether both may be searches of one batch: those made by `search_new_beside` may. */
bool batch_holds_both(const search *a, const search *b);

/* For `count` searches with a root each, of which a batch may hold any two. They are run by one
 * thread, and stay the caller's. NULL if there is no memory. */
batch *batch_new(search **searches, uint32_t count);
void batch_free(batch *b);

/* The runs from now on come back with STOP_SLICE once the first search has so many simulations, or
 * soon after; 0: that is no reason to. */
void batch_pause_after(batch *b, uint64_t simulations);

/* Runs all of them, each until a limit is reached; ends[i] says how. At STOP_SLICE simulations
 * may be in progress: the next run goes on with them. One that had ended before, as ends[i] says,
 * is left as it is: before the first run `ends` is cleared to zero. */
void batch_run(batch *b, const search_limits *limits, batch_end *ends);

/* The same with limits of its own for each search. It comes back with STOP_SLICE for those that go
 * on, at the end of each[0]'s slice or once one has ended: another batch may run others with them. */
void batch_run_each(batch *b, const search_limits *each, batch_end *ends);

/* Runs come back with STOP_SLICE soon after the flag is set; NULL: nothing wakes them. */
void batch_wake_by(batch *b, atomic_int *flag);

/* Nanoseconds of the longest round of the last run: its calls of the model, and what is between. */
int64_t batch_longest_round(const batch *b);

#endif
