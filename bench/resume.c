/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What an interrupted run has done already, read from its rows. */
#include "case.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../platforms/arch.h"
#include "rows.h"
#include "text.h"

/* ---- which run ---- */

static bool same(const char *a, const char *b)
{
	return !strcmp(a, b);
}

struct search {
	struct case_context *context;
	bool any, found;
};

/* The last one's, unless the user names one. */
static int look_at_run(const struct row *row, off_t at, void *user)
{
	struct search *s = user;
	struct case_context *context = s->context;

	(void)at;
	s->any = true;
	if (context->options->run_id && !same(row->run_id, context->options->run_id))
		return 0;
	s->found = true;
	if (same(row->run_id, context->run_id))
		return 0;
	free(context->found_run_id);
	context->found_run_id = strdup(row->run_id);
	context->run_id = context->found_run_id;
	return context->run_id ? 0 : -ENOMEM;
}

int cases_find_run(struct case_context *context)
{
	struct search s = {.context = context};
	int ret = rows_replay(context->rows, look_at_run, &s, context->why, sizeof(context->why));

	if (ret || s.found || !s.any)
		return ret;
	return text_fail(-ENOENT, context->why, sizeof(context->why),
			 "--resume: %s has no rows of --run-id=%s", context->options->csv,
			 context->run_id);
}

/* ---- whose rows ---- */

/* A row of a benchmark: what names it. */
struct key {
	char *text;
	struct bench_case *c;
	unsigned int figure;
};

struct resume {
	struct case_context *context;
	struct key *keys;
	size_t count;
	/* The repetition whose rows are being read. */
	struct bench_case *c; /* NULL: none */
	off_t at;
	double rep;
	unsigned int rows; /* so far */
	bool failed;
	double figures[SCHEDULE_FIGURES];
};

/* NULL: out of memory. */
static char *make_key(const struct row *row, bool twin)
{
	char *text;

	if (asprintf(&text, "%s\t%s\t%s\t%s\t%.0f\t%s\t%s%s", row->subject, row->family, row->op,
		     row->variant, row->threads, row->pin, row->params, twin ? "\ttwin" : "") < 0)
		return NULL;
	return text;
}

static int by_key(const void *a, const void *b)
{
	const struct key *x = a, *y = b;

	return strcmp(x->text, y->text);
}

static int add_keys(struct resume *r, struct bench_case *c)
{
	struct key *more = realloc(r->keys, (r->count + case_figures(c)) * sizeof(*more));
	char op[CASE_OP_NAME];
	struct row row;

	if (!more)
		return -ENOMEM;
	r->keys = more;
	for (unsigned int i = 0; i < case_figures(c); i++) {
		case_name_row(&row, c, i, op);
		r->keys[r->count] = (struct key){make_key(&row, c->twin_of), c, i};
		if (!r->keys[r->count++].text)
			return -ENOMEM;
	}
	return 0;
}

static bool has_flag(const char *flags, const char *flag)
{
	size_t len = strlen(flag), n;

	for (; *flags; flags += n + (flags[n] == ';')) {
		n = strcspn(flags, ";");
		if (n == len && !strncmp(flags, flag, n))
			return true;
	}
	return false;
}

/* NULL: of no benchmark that is to be measured. */
static const struct key *find_key(const struct resume *r, const struct row *row)
{
	const struct key wanted = {.text = make_key(row, has_flag(row->flags, "twin"))};
	const struct key *found = NULL;

	if (wanted.text)
		found = bsearch(&wanted, r->keys, r->count, sizeof(*r->keys), by_key);
	free(wanted.text);
	return found;
}

/* ---- what they say ---- */

static int not_whole(const struct resume *r)
{
	return text_fail(-EINVAL, r->context->why, sizeof(r->context->why),
			 "--resume: %s: repetition %.0f of %s is not whole; remove its rows",
			 r->context->options->csv, r->rep, r->c->name);
}

/* The same number of operations as before. */
static void take_iterations(struct bench_case *c, const struct row *row)
{
	if (row->iterations >= 1 && row->iterations < 1e18)
		c->iterations = (int64_t)row->iterations;
}

static void take_figure(struct resume *r, const struct row *row)
{
	bool rejected = has_flag(row->flags, "low-overlap");

	r->figures[r->rows++] = rejected ? NAN : row->real_ns_per_op;
	r->failed |= *row->error != '\0';
	if (r->rows < case_figures(r->c))
		return;
	take_iterations(r->c, row);
	if (row->rep >= 0 && row->rep < MAX_REPETITIONS)
		schedule_note(r->c->item, (unsigned int)row->rep, r->failed ? NULL : r->figures);
	r->c = NULL;
}

static bool is_ours(const struct case_context *context, const struct row *row)
{
	return same(row->run_id, context->run_id) && same(row->arch, ARCH_NAME) &&
	       same(row->execution, context->execution);
}

static int take_row(const struct row *row, off_t at, void *user)
{
	struct resume *r = user;
	struct case_context *context = r->context;
	const struct key *key = is_ours(context, row) ? find_key(r, row) : NULL;

	if (key && !same(row->host, context->host))
		return text_fail(-EINVAL, context->why, sizeof(context->why),
				 "--resume: %s: run %s is of machine %s, and this is %s",
				 context->options->csv, context->run_id, row->host, context->host);
	if (key && !r->c) {
		r->c = key->c;
		r->rep = row->rep;
		r->at = at;
		r->rows = 0;
		r->failed = false;
	}
	if (!r->c)
		return 0;
	if (!key || key->c != r->c || row->rep != r->rep || key->figure != r->rows)
		return not_whole(r);
	take_figure(r, row);
	return 0;
}

/* What was being written when the run was killed is measured again. */
static int read_rows(struct resume *r)
{
	struct case_context *context = r->context;
	int ret = rows_replay(context->rows, take_row, r, context->why, sizeof(context->why));

	if (!ret && r->c)
		ret = rows_cut(context->rows, r->at, context->why, sizeof(context->why));
	return ret;
}

int cases_take_done(struct case_context *context)
{
	struct resume r = {.context = context};
	int ret = 0;

	for (struct bench_case *c = context->first; c && !ret; c = c->next)
		ret = add_keys(&r, c);
	if (ret) {
		text_fail(ret, context->why, sizeof(context->why), "%s", strerror(-ret));
	} else if (r.count) {
		qsort(r.keys, r.count, sizeof(*r.keys), by_key);
		ret = read_rows(&r);
	}
	for (size_t i = 0; i < r.count; i++)
		free(r.keys[i].text);
	free(r.keys);
	return ret;
}
