/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What SRCU's update side and liburcu's are given to do alike. */
#ifndef MNBENCH_SRCU_LOAD_H
#define MNBENCH_SRCU_LOAD_H

/*
 * Callbacks queued before their end is waited for. Many: liburcu's worker
 * naps for 10 ms between batches, and what a callback costs is not that.
 */
#define CALLBACKS 65536

/* Of what queues them: bench_op's reason. */
#define CALLBACKS_UNCOUNTED "it meets a worker thread now here, now there"

/* How long a slow reader sleeps inside. */
#define SLOW_READER_NS (100 * 1000)

#endif
