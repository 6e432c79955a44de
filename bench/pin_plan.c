/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Policies: which PUs, in which order. Each makes one sequence; a plan walks it. */
#include "pin_table.h"
#include "text.h"

#include <ctype.h>
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#define POLICY_NAMES "none, compact, scatter, smt, llc, xllc, xnode, kind:N or a list like 0,2,5-7"

struct plan {
	const struct pin_topology *topo;
	const struct pin_table *table;
	const struct policy *policy;
	const char *text;     /* the policy as it was given */
	const char *argument; /* what follows its colon, or a plain list */
	unsigned *sequence;   /* indexes into table->place */
	unsigned nr;
	char *why;
	size_t len;
};

struct policy {
	const char *name;
	int (*make)(struct plan *plan);
	enum pin_level level;
	bool takes_argument;
	bool never_wraps; /* a second round would not be what the name says */
	const char *group_name;
	const char *missing; /* why there is no plan where the level gives nothing to choose */
};

struct key {
	unsigned rank;
	unsigned turn; /* first its number in the old order, then among its group's of this rank */
	int group;
	unsigned place;
};

static int by_turn(const void *left, const void *right)
{
	const struct key *a = left, *b = right;

	if (a->rank != b->rank)
		return a->rank < b->rank ? -1 : 1;
	if (a->turn != b->turn)
		return a->turn < b->turn ? -1 : 1;
	return (a->group > b->group) - (a->group < b->group);
}

/* The keys come by rank. */
static void number_turns(struct key *keys, unsigned n, unsigned *turns, unsigned groups)
{
	for (unsigned i = 0; i < n; i++) {
		if (i && keys[i].rank != keys[i - 1].rank)
			memset(turns, 0, groups * sizeof(*turns));
		keys[i].turn = turns[keys[i].group]++;
	}
}

int pin_spread(const struct pin_table *table, const int *group, unsigned *order, unsigned n)
{
	struct key *keys = calloc(n, sizeof(*keys));
	unsigned *turns = calloc(table->nr, sizeof(*turns));
	int err = -ENOMEM;

	if (!keys || !turns)
		goto out;
	for (unsigned i = 0; i < n; i++)
		keys[i] = (struct key){.rank = table->place[order[i]].rank,
				       .turn = i,
				       .group = group[order[i]],
				       .place = order[i]};
	qsort(keys, n, sizeof(*keys), by_turn);
	number_turns(keys, n, turns, table->nr);
	qsort(keys, n, sizeof(*keys), by_turn);
	for (unsigned i = 0; i < n; i++)
		order[i] = keys[i].place;
	err = 0;
out:
	free(turns);
	free(keys);
	return err;
}

static int group_of(const struct plan *plan, unsigned place)
{
	return plan->table->place[place].group[plan->policy->level];
}

/* Append the PUs of a group, or of every one (-1) that there is, in scatter order. */
static void take_group(struct plan *plan, int group)
{
	for (unsigned i = 0; i < plan->table->nr; i++) {
		unsigned place = plan->table->scatter[i];
		int its = group_of(plan, place);

		if (its >= 0 && (group < 0 || its == group))
			plan->sequence[plan->nr++] = place;
	}
}

/* The group with the most PUs, the first of equals, and how many; -1 where no PU has one. */
static int largest_group(const struct plan *plan, unsigned *sizes, unsigned *groups)
{
	int largest = -1;

	*groups = 0;
	for (unsigned i = 0; i < plan->table->nr; i++) {
		int group = group_of(plan, i);

		if (group >= 0 && !sizes[group]++)
			++*groups;
	}
	for (unsigned g = 0; g < plan->table->nr; g++)
		if (sizes[g] && (largest < 0 || sizes[g] > sizes[largest]))
			largest = (int)g;
	return largest;
}

static int not_here(const struct plan *plan)
{
	return text_fail(-ENOTSUP, plan->why, plan->len, "pin policy %s: %s", plan->policy->name,
			 plan->policy->missing);
}

static int make_compact(struct plan *plan)
{
	for (unsigned i = 0; i < plan->table->nr; i++)
		plan->sequence[plan->nr++] = i;
	return 0;
}

static int make_scatter(struct plan *plan)
{
	for (unsigned i = 0; i < plan->table->nr; i++)
		plan->sequence[plan->nr++] = plan->table->scatter[i];
	return 0;
}

static int make_within(struct plan *plan)
{
	unsigned *sizes = calloc(plan->table->nr, sizeof(*sizes));
	unsigned groups;
	int largest, err = 0;

	if (!sizes)
		return -ENOMEM;
	largest = largest_group(plan, sizes, &groups);
	if (largest < 0 || sizes[largest] < 2)
		err = not_here(plan);
	else
		take_group(plan, largest);
	free(sizes);
	return err;
}

static int make_across(struct plan *plan)
{
	unsigned *sizes = calloc(plan->table->nr, sizeof(*sizes));
	int *group = calloc(plan->table->nr, sizeof(*group));
	unsigned groups;
	int err = -ENOMEM;

	if (!sizes || !group)
		goto out;
	largest_group(plan, sizes, &groups);
	if (groups < 2) {
		err = not_here(plan);
		goto out;
	}
	for (unsigned i = 0; i < plan->table->nr; i++)
		group[i] = group_of(plan, i);
	take_group(plan, -1);
	err = pin_spread(plan->table, group, plan->sequence, plan->nr);
out:
	free(group);
	free(sizes);
	return err;
}

/* A number that fits an OS index, with `*text` moved behind it; -1: none there. */
static int parse_index(const char **text)
{
	unsigned long value;
	char *end;

	if (!isdigit((unsigned char)**text))
		return -1;
	errno = 0;
	value = strtoul(*text, &end, 10);
	if (errno || value > INT_MAX)
		return -1;
	*text = end;
	return (int)value;
}

static int malformed(const struct plan *plan, const char *form)
{
	return text_fail(-EINVAL, plan->why, plan->len, "pin policy '%s': malformed; write %s",
			 plan->text, form);
}

static int make_kind(struct plan *plan)
{
	const char *text = plan->argument;
	int kind = parse_index(&text), known = 0;

	if (kind < 0 || *text)
		return malformed(plan, "kind:N, as kind:0");
	for (unsigned i = 0; i < plan->table->nr; i++)
		if (group_of(plan, i) >= known)
			known = group_of(plan, i) + 1;
	take_group(plan, kind);
	if (plan->nr)
		return 0;
	return text_fail(-ENOTSUP, plan->why, plan->len,
			 "pin policy kind:%d: no PU of that kind; kinds known here: %d", kind,
			 known);
}

static int take_pu(struct plan *plan, int pu, bool *taken)
{
	int place = pin_place_of(plan->table, pu);

	if (place < 0)
		return text_fail(-ENOTSUP, plan->why, plan->len, "pin policy '%s': PU %d is %s",
				 plan->text, pu,
				 pin_pu_exists(plan->topo, pu)
					 ? "outside of the process's allowed set"
					 : "not on this machine");
	if (taken[place])
		return text_fail(-EINVAL, plan->why, plan->len,
				 "pin policy '%s': PU %d is in it twice; name each once",
				 plan->text, pu);
	taken[place] = true;
	plan->sequence[plan->nr++] = (unsigned)place;
	return 0;
}

/* Each PU is taken at most once, so that the longest range ends with the table. */
static int take_list(struct plan *plan, bool *taken)
{
	static const char form[] = "PUs by OS index, as 0,2,5-7";
	const char *text = plan->argument;

	for (;;) {
		int first = parse_index(&text), last = first, err;

		if (*text == '-') {
			text++;
			last = parse_index(&text);
		}
		if (first < 0 || last < first || (*text && *text != ','))
			return malformed(plan, form);
		for (int pu = first;; pu++) {
			err = take_pu(plan, pu, taken);
			if (err)
				return err;
			if (pu == last)
				break;
		}
		if (!*text++)
			return 0;
	}
}

static int make_list(struct plan *plan)
{
	bool *taken = calloc(plan->table->nr, sizeof(*taken));
	int err = taken ? take_list(plan, taken) : -ENOMEM;

	free(taken);
	return err;
}

static const struct policy policies[] = {
	{.name = "none"},
	{.name = "compact", .make = make_compact},
	{.name = "scatter", .make = make_scatter},
	{.name = "smt",
	 .make = make_within,
	 .level = PIN_CORE,
	 .never_wraps = true,
	 .group_name = "core",
	 .missing = "no core here has two PUs to use"},
	{.name = "llc",
	 .make = make_within,
	 .level = PIN_LLC,
	 .never_wraps = true,
	 .group_name = "last-level cache",
	 .missing = "no two PUs here are known to share a cache"},
	{.name = "xllc",
	 .make = make_across,
	 .level = PIN_LLC,
	 .missing = "no two last-level caches are known here"},
	{.name = "xnode",
	 .make = make_across,
	 .level = PIN_NODE,
	 .missing = "no two NUMA nodes with PUs to use here"},
	{.name = "kind:", .make = make_kind, .level = PIN_KIND, .takes_argument = true},
	{.name = "list:", .make = make_list, .takes_argument = true},
	{.name = "", .make = make_list}, /* a plain list, if it begins like one */
};

static const struct policy *find_policy(const char *text, const char **argument)
{
	for (size_t i = 0; i < sizeof(policies) / sizeof(*policies); i++) {
		const struct policy *policy = &policies[i];
		size_t length = strlen(policy->name);

		*argument = text + length;
		if (!length)
			return isdigit((unsigned char)*text) ? policy : NULL;
		if (policy->takes_argument ? !strncmp(text, policy->name, length)
					   : !strcmp(text, policy->name))
			return policy;
	}
	return NULL;
}

static const struct pin_slot unpinned = {-1, -1, -1, -1, -1};

/* Walk the sequence, round and round. */
static void fill_slots(const struct plan *plan, unsigned threads, struct pin_slot *slots)
{
	for (unsigned i = 0; i < threads; i++)
		slots[i] =
			plan->nr ? plan->table->place[plan->sequence[i % plan->nr]].slot : unpinned;
}

int pin_plan(const struct pin_topology *topo, const char *text, unsigned threads,
	     struct pin_slot *slots, bool *oversubscribed, char *why, size_t len)
{
	struct plan plan = {
		.topo = topo, .table = pin_table(topo), .text = text, .why = why, .len = len};
	unsigned room;
	int err;

	plan.policy = find_policy(text, &plan.argument);
	if (!plan.policy)
		return text_fail(-EINVAL, why, len, "pin policy '%s': unknown; use " POLICY_NAMES,
				 text);
	if (!threads)
		return text_fail(-EINVAL, why, len, "pin policy %s: no threads; ask for 1 or more",
				 text);
	plan.sequence = calloc(plan.table->nr, sizeof(*plan.sequence));
	err = plan.sequence ? 0 : -ENOMEM;
	if (!err && plan.policy->make)
		err = plan.policy->make(&plan);
	if (err == -ENOMEM)
		text_fail(err, why, len, "pin policy %s: out of memory", text);
	if (err)
		goto out;
	room = plan.nr ? plan.nr : plan.table->nr;
	if (plan.policy->never_wraps && threads > room) {
		err = text_fail(-ENOTSUP, why, len,
				"pin policy %s: the largest %s here has %u PUs for %u threads",
				text, plan.policy->group_name, room, threads);
		goto out;
	}
	fill_slots(&plan, threads, slots);
	if (oversubscribed)
		*oversubscribed = threads > room;
out:
	free(plan.sequence);
	return err;
}

const char *pin_policy_next(const char **rest, size_t *len)
{
	const char *policy = *rest, *end;
	bool list;

	if (!policy)
		return NULL;
	list = isdigit((unsigned char)*policy) || !strncmp(policy, "list:", 5);
	end = policy + strcspn(policy, ",");
	while (list && *end && isdigit((unsigned char)end[1]))
		end += 1 + strcspn(end + 1, ",");
	*len = (size_t)(end - policy);
	*rest = *end ? end + 1 : NULL;
	return policy;
}

static void print_index(FILE *to, int index)
{
	if (index < 0)
		fputs("\t-", to);
	else
		fprintf(to, "\t%d", index);
}

void pin_print_plan(FILE *to, const struct pin_slot *slots, unsigned threads)
{
	for (unsigned i = 0; i < threads; i++) {
		fprintf(to, "%u", i);
		print_index(to, slots[i].pu);
		print_index(to, slots[i].core);
		print_index(to, slots[i].l3);
		print_index(to, slots[i].package);
		print_index(to, slots[i].node);
		putc('\n', to);
	}
}
