/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The rows of a repetition, and what the schedule is told of it. */
#include "case.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "../platforms/arch.h"
#include "disturb.h"
#include "rows.h"
#include "text.h"

/* A herd's figures are a row each, so that each can be compared: what their operation ends with. */
static const char *const herd_rows[HERD_FIGURES] = {"_waker", "_first", "_median", "_last"};

/* Those whose threads did not run together are rejected. */
static bool low_overlap(const struct bench_case *c, const struct measurement *m)
{
	return !c->run.op->herd && case_is_team(c) &&
	       m->team.overlap < c->context->options->overlap_floor;
}

void case_take_figures(const struct bench_case *c, const struct measurement *m, double *figures)
{
	if (!c->run.op->herd)
		figures[0] = case_is_team(c) ? m->team.real_ns_per_op : m->alone.real_ns;
	for (int i = 0; i < HERD_FIGURES && c->run.op->herd; i++)
		figures[i] = m->herd.figure[i].median;
	if (low_overlap(c, m))
		figures[0] = NAN;
}

static void set_flags(const struct bench_case *c, const struct measurement *m, unsigned int figure,
		      char *flags, size_t room)
{
	bool good = !m->error[0];
	const struct {
		bool set;
		const char *name;
	} known[] = {
		{strcmp(c->context->execution, "native"), "emulated"},
		{m->disturbed & DISTURB_FAULTED, "faulted"},
		{m->disturbed & DISTURB_FREQUENCY, "frequency"},
		{good && low_overlap(c, m), "low-overlap"},
		{good && m->misplaced, "misplaced"},
		{good && m->alone.counters.multiplexed, "multiplexed"},
		{c->oversubscribed, "oversubscribed"},
		{m->disturbed & DISTURB_PREEMPTED, "preempted"},
		{m->disturbed & DISTURB_STOLEN, "stolen"},
		{m->disturbed & DISTURB_THROTTLED, "throttled"},
		{c->twin_of, "twin"},
		{good && c->item && schedule_unsettled(c->item, figure), "unsettled"},
	};

	flags[0] = '\0';
	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		if (known[i].set)
			text_append(flags, room, "%s%s", flags[0] ? ";" : "", known[i].name);
}

static void fill_alone(struct row *row, const struct measurement *m)
{
	row->iterations = m->alone.iterations;
	row->real_ns_per_op = m->alone.real_ns;
	row->cpu_ns_per_op = m->alone.cpu_ns;
	row->ops_per_s = 1e9 / m->alone.real_ns;
	if (perfctr_is_open())
		row->insns_per_op = m->alone.counters.count[USER_INSNS];
}

static void fill_counts(struct row *row, const struct counts *counts)
{
	row->iterations = (double)counts->ops;
	row->insns_per_op = counts->per_op[COUNT_INSNS];
}

static void fill_percentiles(struct row *row, const struct percentiles *p)
{
	row->p50_ns = p->p50;
	row->p90_ns = p->p90;
	row->p99_ns = p->p99;
	row->p999_ns = p->p999;
	row->max_ns = p->max;
}

static void fill_team(struct row *row, const struct team_result *team)
{
	row->iterations = (double)team->ops;
	row->real_ns_per_op = team->real_ns_per_op;
	row->cpu_ns_per_op = team->cpu_ns_per_op;
	row->ops_per_s = team->ops_per_s;
	row->overlap = team->overlap;
	row->fairness = team->fairness;
	fill_percentiles(row, &team->latency);
}

static void fill_herd(struct row *row, const struct herd_result *herd, unsigned int figure)
{
	const struct herd_stat *stat = &herd->figure[figure];

	row->iterations = (double)herd->rounds;
	row->real_ns_per_op = stat->median;
	fill_percentiles(row, &stat->all);
}

void case_name_row(struct row *row, const struct bench_case *c, unsigned int figure,
		   char op[CASE_OP_NAME])
{
	const struct case_context *context = c->context;

	snprintf(op, CASE_OP_NAME, "%s%s", c->run.op->op, c->run.op->herd ? herd_rows[figure] : "");
	row_init(row);
	row->run_id = context->run_id;
	row->host = context->host;
	row->arch = ARCH_NAME;
	row->execution = context->execution;
	row->subject = c->run.op->subject;
	row->family = c->run.op->family;
	row->op = op;
	row->variant = c->run.op->variant;
	row->threads = c->run.threads + c->sleepers;
	row->pin = c->pin;
	row->params = c->params;
}

static void fill(struct row *row, const struct bench_case *c, const struct measurement *m,
		 unsigned int figure)
{
	if (m->error[0])
		row->error = m->error;
	else if (c->context->options->count)
		fill_counts(row, &m->counts);
	else if (c->run.op->herd)
		fill_herd(row, &m->herd, figure);
	else if (case_is_team(c))
		fill_team(row, &m->team);
	else
		fill_alone(row, m);
}

int case_append(const struct bench_case *c, unsigned int rep, const struct measurement *m)
{
	struct case_context *context = c->context;
	char op[HERD_FIGURES][CASE_OP_NAME], flags[HERD_FIGURES][160];
	struct row row[HERD_FIGURES];
	unsigned int n = case_figures(c);

	for (unsigned int i = 0; i < n; i++) {
		case_name_row(&row[i], c, i, op[i]);
		set_flags(c, m, i, flags[i], sizeof(flags[i]));
		row[i].rep = rep;
		row[i].flags = flags[i];
		fill(&row[i], c, m, i);
	}
	if (context->options->count)
		counts_write(&row[0], &m->counts);
	if (!context->rows)
		return 0;
	return rows_append(context->rows, row, n, context->why, sizeof(context->why));
}
