/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Two programs measure in lock-step, taking turns; a third one decides. A program writes a line,
 * and waits for one. Before each group of benchmarks:
 *
 *     turn ROUND PLACE STATE GROUP      go, share or skip
 *
 * ROUND is decimal; PLACE, the group's in the round, 16 hexadecimal digits; STATE `open`, or
 * `settled`: none of it wants this repetition. After `go` all of the group are measured that have
 * not failed, settled or not, so that both programs have as many repetitions of each. After `share`
 * too, but the other program measures the same group meanwhile, so:
 *
 *     next PLACE                        go       before each benchmark, PLACE as above
 *     yield                             go       within one, every millisecond or so
 *
 * What disturbs a machine comes and goes within some milliseconds: turns that are shorter meet with
 * the same of it. After the group, whichever way, and after the last round, no answer awaited:
 *
 *     done
 *     end
 *
 * Who decides lets the smaller (ROUND, PLACE) go first; of two that are equal both, and skips both
 * if both are settled. At the end of its input a program stops.
 */
#ifndef MNBENCH_BATON_H
#define MNBENCH_BATON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

struct baton {
	FILE *in, *out;
	bool shared;	 /* the group that is measured */
	bool gone;	 /* the other end */
	char broken[16]; /* what came down that is no answer; empty: nothing */
};

/* Writes a line. A NULL baton writes none. */
void baton_tell(struct baton *b, const char *format, ...) __attribute__((format(printf, 2, 3)));

/*
 * The answer to `turn`. 1: measure; 0: do not, or `gone`; -EPROTO: with one line in `why`, what
 * came down the baton is no answer.
 */
int baton_ask(struct baton *b, char *why, size_t len);

/* Where a group is shared: tells the benchmark at PLACE, and waits for its turn. */
void baton_next(struct baton *b, uint64_t place);

/* Whether somebody waits for a yield. A NULL baton has nobody. */
static inline bool baton_is_shared(const struct baton *b)
{
	return b && b->shared;
}

/* Lets the other one measure, until it does the same. */
void baton_yield(struct baton *b);

#endif
