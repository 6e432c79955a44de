/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One benchmark and one repetition of it: what the files behind cases.h share. */
#ifndef MNBENCH_CASE_H
#define MNBENCH_CASE_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "cases.h"
#include "counts.h"
#include "herd.h"
#include "perfctr.h"
#include "schedule.h"
#include "team.h"

/* Room for a policy's name: lists of PUs are long. */
#define PIN_POLICY 256

struct bench_case {
	struct bench_case *next;
	struct case_context *context;
	struct op_run run;
	unsigned int sleepers; /* of a herd; else 0 */
	char pin[PIN_POLICY];
	char params[128];    /* key:value;..., sorted */
	char *name, *group;  /* see schedule.h */
	char why[320];	     /* not empty: it cannot be run, for this reason */
	bool wanted;	     /* left by the filter */
	bool oversubscribed; /* more threads than PUs */
	bool abandoned;	     /* threads are left in it: nothing of it is freed */
	int64_t iterations;  /* as many as its time wants; 0: not known yet */
	struct schedule_item *item;
	const struct bench_case *twin_of; /* it is the same as this one, and measured beside it */
	struct perfctr_counts counters;	  /* of one operation of the last repetition */
};

/* One repetition. */
struct measurement {
	struct {
		double iterations, real_ns, cpu_ns;
		struct perfctr_counts counters; /* of one operation */
	} alone;
	struct team_result team;
	struct herd_result herd;
	struct counts counts;
	bool misplaced;		/* a thread ran on another PU than planned */
	unsigned int disturbed; /* by `enum disturbance` */
	char error[320];	/* not empty: why there are no figures */
};

static inline bool case_is_team(const struct bench_case *c)
{
	return c->run.threads > 1 || c->run.op->background || c->run.op->flags & OP_BY_TIME;
}

/* A herd's repetition has a figure and a row for each of HERD_FIGURES, any other has one. */
static inline unsigned int case_figures(const struct bench_case *c)
{
	return c->run.op->herd ? HERD_FIGURES : 1;
}

/* The reason, for the row, of what returned RET. */
static inline const char *case_reason(const struct bench_case *c, int ret)
{
	return c->run.why ? c->run.why : strerror(-ret);
}

/* ---- cases.c ---- */

/* The same once more, next in the list. 0 or -ENOMEM. */
int case_add_twin(struct bench_case *c);

/* But for what threads that are left may use. */
void case_free(struct bench_case *c);

/* ---- case_alone.c ---- */

/* Registers it with Google Benchmark, to be listed. 0, or -errno with gb_last_error(). */
int case_register(const struct bench_case *c);

/* One repetition of one that one thread does alone. 0, or -errno with run.why or without. */
int case_measure_alone(struct bench_case *c, struct measurement *m);

/* ---- case_run.c ---- */

/* Sets it up, measures one repetition and takes it down again. Nothing is registered before. */
void case_measure(struct bench_case *c, struct measurement *m);

/* ---- case_rows.c ---- */

#define CASE_OP_NAME 64

struct row;

/* What names a row of it, nothing measured; OP is room for the operation's name. */
void case_name_row(struct row *row, const struct bench_case *c, unsigned int figure,
		   char op[CASE_OP_NAME]);

/* What the schedule judges by, one for each of case_figures(); NAN: not to be used. */
void case_take_figures(const struct bench_case *c, const struct measurement *m, double *figures);

/* Appends the repetition's rows, all or none. 0, or -errno with context->why. */
int case_append(const struct bench_case *c, unsigned int rep, const struct measurement *m);

/* ---- resume.c ---- */

/* Tells the schedule of the repetitions whose whole rows are in the file. 0, or -errno as above. */
int cases_take_done(struct case_context *context);

#endif
