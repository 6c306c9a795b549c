/* Several threads on one tree.
 *
 *              root                  under the lock: the top, which one thread at a time goes down
 *             /    \                 to hand out simulations, and comes up to bring them home
 *            o      o
 *          #   \      #              leases, #: behind such an edge one thread is at work, alone,
 *          o     o    o              by the loop of a search of one thread
 *         /|\   # #  /|\
 *
 * Where each thread walks down from the root for every simulation, the nodes at the top are written
 * by all of them all the time, and the memory that holds them travels from core to core: that
 * costs more than the walk. Here a thread is handed some simulations at once, a part of
 * those that an edge has had already, and the top is written once for all of them. So small a part
 * changes hardly what would have been chosen one by one; until they are home they count as visits
 * that have changed no value, which sends others elsewhere.
 *
 * What a lease covers begins behind its edge: with what chance makes of the action, which so is
 * drawn for each simulation. Where so much lies behind an edge that several threads should work on
 * it, that is drawn under the lock, and edges further down are leased; a new leaf that it leads to
 * then, too. What one lease covers no other does, and no one looks at it under the lock but for what
 * never changes. Nodes and blocks of a thread lie in windows of the arena that are its own.
 *
 * Which simulation goes where depends on which thread is faster: plans of several threads are not
 * the same from one time to the next.
 *
 * Source: tree parallelization of Chaslot, Winands and van den Herik (2008), with a lease for each
 * part in place of a lock for each node; visits in progress as in Liu et al. (2020), "Watch the
 * unobserved". */
#ifndef MCTS_CORE_PARALLEL_H
#define MCTS_CORE_PARALLEL_H

#include "search.h"

/* What search_run does with several threads. */
int parallel_run(search *s, stop_reason *reason);

/* The tree is gone, or has moved. */
void parallel_forget(search *s);

void parallel_free(search *s);

#endif
